import ByteStreams
import FileTrees
import ImageBackup
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryServer
import RegistryStore

extension FuzzTarget {
    static let documents = [
        FuzzTarget("json") { bytes in
            let value = try Document.value(from: bytes, name: "it")
            _ = try promised("what is JSON here is JSON to others") {
                try Document.decode(JSONAnything.self, from: bytes, name: "it")
            }
            let written = try promised("a value is written") { try Document.encode(value) }
            let again = try promised("a value is read again") { try Document.value(from: written, name: "it") }
            try promise("a value stays what it is", try Document.encode(again) == written)
        },
        FuzzTarget("manifests") { bytes in
            let types: [MediaType?] = [
                nil, .ociIndex, .ociManifest, .ociArtifactManifest, .dockerList, .dockerManifest, .dockerSchema1Signed,
            ]
            let scanned = try? bytes.withUnsafeBytes { try ReferenceScanner.scan($0) }
            for type in types {
                if let type {
                    _ = try? ManifestValidation(ServerConfiguration.Validation()).manifest(
                        bytes, contentType: type.rawValue, digest: nil)
                }
                guard let manifest = try? Manifest(bytes, mediaType: type, name: "it") else { continue }
                try promise("a manifest keeps its bytes", manifest.bytes == bytes)
                _ = manifest.referrerDescriptor
                guard let scanned else { continue }
                let short = Set(scanned.blobs + scanned.children)
                let long = Set(scanned.longBlobs + scanned.longChildren)
                for part in manifest.blobs + manifest.children
                where part.digest != Digest(of: Array("{}".utf8)) || type != .ociArtifactManifest {
                    let isFound = PackedDigest(part.digest).map(short.contains) ?? long.contains(part.digest)
                    try promise("a garbage collection finds what a manifest refers to", isFound)
                }
                try promise(
                    "a garbage collection finds a manifest's subject",
                    manifest.subject == nil || manifest.subject?.digest == scanned.subject)
            }
        },
        FuzzTarget("schema1") { bytes in
            let manifest = try Schema1Manifest(bytes, name: "it")
            _ = manifest.payload
        },
        FuzzTarget("image-configs") { bytes in
            let config = try ImageConfig(bytes, name: "it")
            _ = config.platform?.description
            _ = config.created.flatMap { Timestamp.parse($0) }
        },
        FuzzTarget("index-files") { bytes in
            _ = try? LayoutList(reading: BytesSource(bytes), name: "it")
            var file = try OCIIndexFile(reading: BytesSource(bytes), name: "it")
            _ = file.digests
            let once = try promised("an index is written") { try written(file.write) }
            let same = try promised("an index is read again") {
                try OCIIndexFile(reading: BytesSource(once), name: "it")
            }
            try promise("an index stays what it is", try written(same.write) == once)
            var entry = Descriptor(mediaType: .ociManifest, digest: Digest(of: bytes), size: Int64(bytes.count))
            entry.annotations = ["org.opencontainers.image.ref.name": "a:1"]
            let name = SourceImage.Name(recorded: "a:1", bareWordIsTag: true)
            try file.put([entry])
            try promise("what was put is there", file.digests[name] == entry.digest)
            try file.removeName(name)
            try promise("what was removed is gone", file.digests[name] == nil)
            try promise("what lost its name is listed", file.removeAll(entry.digest))
            _ = try written(file.write)
        },
        FuzzTarget("inventories") { bytes in
            let inventory = try Inventory(reading: BytesSource(bytes), name: "it")
            for repository in inventory.repositories {
                for blob in repository.blobs.prefix(100) { _ = inventory.repository(of: blob.digest) }
            }
            let once = try promised("an inventory is written") { try written { try inventory.write(to: Sink($0)) } }
            let same = try promised("an inventory is read again") {
                try Inventory(reading: BytesSource(once), name: "it")
            }
            try promise("an inventory stays what it is", try written { try same.write(to: Sink($0)) } == once)
        },
        FuzzTarget("snapshots") { bytes in
            guard let id = SnapshotID("20261124T020000.123Z") else { return }
            let snapshot = try Snapshot(id: id, reading: BytesSource(bytes), name: "it")
            let once = try promised("a snapshot is written") { try written(snapshot.write) }
            let again = try promised("a snapshot is read again") {
                try Snapshot(id: id, reading: BytesSource(once), name: "it")
            }
            try promise("a snapshot stays what it is", try written(again.write) == once)
        },
        FuzzTarget("document-readers") { bytes in
            // What comes in pieces is what it is as a whole; a byte order mark is passed over.
            let whole = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
            let value = Result { try Document.value(from: whole, name: "it") }
            for size in [1, 5, 4096] {
                var rest = bytes[...]
                let read = Result {
                    var reader = DocumentReader(name: "it") { buffer in
                        let piece = rest.prefix(min(size, buffer.count))
                        buffer.copyBytes(from: piece)
                        rest = rest.dropFirst(piece.count)
                        return piece.count
                    }
                    let value = try reader.json(to: 3)
                    try reader.expectEnd()
                    return value
                }
                try promise("the same is refused in pieces", (try? value.get()) == (try? read.get()))
            }
        },
        FuzzTarget("signatures") { bytes in
            let files = TreeOfSections(bytes)
            let key = try? files.bytes(at: "key").map { try VerificationKey($0, name: "key") }
            let message = files.bytes(at: "message") ?? []
            if let signature = files.bytes(at: "signature") {
                _ = try? key?.check(signature, of: message, name: "message")
            }
            guard let secret = files.bytes(at: "secret") else { return }
            let signature = try SigningKey(secret, name: "secret").sign(message, comment: "a comment")
            _ = try? key?.check(signature, of: message, name: "message")
        },
    ]
}

/// What is written, in memory.
private func written(_ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try withoutActuallyEscaping({ bytes += $0 }) { try body($0) }
    return bytes
}

private final class Sink: ByteSink {
    private let body: (UnsafeRawBufferPointer) throws -> Void

    init(_ body: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.body = body }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try body(bytes) }
}
