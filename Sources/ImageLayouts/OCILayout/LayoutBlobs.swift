import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer

/// A destination that puts its blobs into a layout.
package protocol FillsLayout: ImageDestination {
    var blobs: LayoutBlobs { get }
    func area() throws -> StagingArea
}

extension FillsLayout {
    package func has(_ blob: Descriptor, in repository: String) async throws -> Bool { try blobs.has(blob) }

    package func has(manifest: Digest, in repository: String) async throws -> Bool {
        try await Workers.blobs.run { [self] in try blobs.has(manifest: manifest) }
    }

    package func writer(for target: BlobTarget) throws -> any BlobWriter {
        try blobs.writer(in: area(), replaces: target.replaces)
    }

    package func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in try blobs.put(manifest, in: area()) }
    }
}

/// The blobs of a layout, each under its digest.
package struct LayoutBlobs: Sendable {
    /// What `blobs` is in.
    let root: String

    package init(root: String) { self.root = root }

    func path(of digest: Digest) -> String { "\(root)/\(OCIPaths.blob(digest))" }

    /// Nothing gets such a name before it was verified, so its size tells enough.
    package func has(_ blob: Descriptor) throws -> Bool {
        let size = try fileSize(path(of: blob.digest))
        return blob.size < 0 ? size != nil : size == blob.size
    }

    /// One that is damaged is put again.
    package func has(manifest: Digest) throws -> Bool {
        // What lies there may be no file, or anything.
        guard let size = try fileSize(path(of: manifest)), size <= Document.sizeLimit,
            let bytes = try readFile(path(of: manifest), limit: Document.sizeLimit)
        else { return false }
        if Digest(of: bytes, algorithm: manifest.algorithm) == manifest { return true }
        // A schema1 manifest goes by the digest of a part of it.
        return (try? Manifest(bytes, algorithm: manifest.algorithm, name: "\(manifest)"))?.digest == manifest
    }

    /// Whether a layout's `index.json` belongs to these, by what it leads to: see `ListOrigin`.
    package func owns(
        _ index: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        let origin = ListOrigin { try fileSize(self.path(of: $0)) != nil }
        let entries = try LayoutList(reading: BytesSource(index), name: path).entries
        return try await origin.isHere(entries.map(\.descriptor), reading: read)
    }

    /// - Parameter replaces: whether one of the same size is put aside, too.
    package func writer(in area: StagingArea, replaces: Bool) throws -> any BlobWriter {
        try StagedBlobWriter(in: area, replaces: replaces, place: OCIPaths.blob)
    }

    package func put(_ manifest: Manifest, in area: StagingArea) throws {
        try area.write(manifest.bytes, to: OCIPaths.blob(manifest.digest))
    }
}
