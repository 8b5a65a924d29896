package import ByteStreams
import FileTrees
package import ImageModel
import ImageTransfer

/// What `index.json` lists.
package struct LayoutList: ListDocument {
    package static var members: MemberNames? { .manifest }

    package private(set) var entries: [LayoutEntry] = []
    /// `index.json` itself, where it is a multi-platform image, as some builders write it: its entries have no names, and
    /// each is for a platform of its own.
    package private(set) var flatIndex: Manifest?

    package init(_ reader: inout DocumentReader) throws {
        var list: [UInt8]?
        var rest = try reader.object { reader, key in
            guard key == "manifests" else { return false }
            // Docker 25 writes null for an archive that has only untagged images.
            list = Array(try reader.takesNull() ? "null".utf8 : "[]".utf8)
            guard list == Array("[]".utf8) else { return true }
            try reader.array(of: Descriptor.self) { entries.append(LayoutEntry($0, after: entries.last)) }
            return true
        }
        if let list {
            rest.removeLast()
            rest += (rest.count > 1 ? "," : "").utf8 + Array(#""manifests":"#.utf8) + list + [UInt8(ascii: "}")]
        }
        let name = reader.name
        if let kind = try Document.decode(ManifestProbe.self, from: rest, name: name).kind(name), kind != .index {
            throw ImageError.invalidDocument("\(name): expected an image index, found \(kind.title)")
        }
        _ = try Document.decode(ImageIndex.self, from: rest, name: name)
    }

    package init(reading source: any ByteSource, name: String) throws {
        let recording = RecordingSource(source, limit: Document.sizeLimit)
        var reader = DocumentReader(recording, name: name, members: Self.members)
        try self.init(&reader)
        try reader.expectEnd()
        guard isFlat, let bytes = recording.bytes else { return }
        flatIndex = try Manifest(bytes, mediaType: .ociIndex, name: name)
    }

    private var isFlat: Bool {
        guard entries.allSatisfy({ $0.name == .none && $0.kind == nil }) else { return false }
        let images = entries.filter { !$0.isAttestation }.map(\.descriptor)
        let platforms = images.compactMap { $0.mediaType.manifestKind == .image ? $0.platform : nil }
        return platforms.count > 1 && platforms.count == images.count && Set(platforms).count == platforms.count
    }
}

/// Keeps what is read through it, if that is not too much.
private final class RecordingSource: ByteSource {
    private let upstream: any ByteSource
    private let limit: Int
    /// nil where there were more.
    private(set) var bytes: [UInt8]? = []

    init(_ upstream: any ByteSource, limit: Int) {
        self.upstream = upstream
        self.limit = limit
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try upstream.read(into: buffer)
        if let known = bytes?.count {
            if known + count <= limit { bytes?.append(contentsOf: buffer[..<count]) } else { bytes = nil }
        }
        return count
    }
}
