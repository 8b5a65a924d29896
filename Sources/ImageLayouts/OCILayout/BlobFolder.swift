package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageVerification

/// The files below `blobs`, by their names: for a verification.
package struct BlobFolder {
    /// Bytes.
    package private(set) var sizes: [Digest: Int64] = [:]
    package private(set) var findings: [Finding] = []
    package private(set) var permissions = PermissionSurvey()
    private let kind: String

    /// - Parameters:
    ///   - root: what `blobs` is in; nil if it is not there.
    ///   - kind: what messages call a place like this.
    package init(in root: DirectoryHandle?, kind: String) throws {
        self.kind = kind
        guard let root, try root.status(OCIPaths.blobs, followsLinks: false) != nil else { return }
        guard let blobs = try root.open(OCIPaths.blobs) else {
            stranger(OCIPaths.blobs)
            return
        }
        for algorithm in try blobs.entries() {
            let path = "\(OCIPaths.blobs)/\(algorithm.name)"
            guard let known = Digest.Algorithm(rawValue: algorithm.name), let folder = try blobs.open(algorithm.name)
            else {
                stranger(path)
                continue
            }
            for entry in try folder.entries() { try add(entry.name, known, folder, "\(path)/\(entry.name)") }
        }
    }

    private mutating func add(
        _ name: String, _ algorithm: Digest.Algorithm, _ folder: DirectoryHandle, _ path: String
    ) throws {
        guard let digest = Digest(algorithm, hex: name), let status = try folder.status(name), status.isFile else {
            return stranger(path)
        }
        sizes[digest] = status.size
        permissions.add(path, status)
    }

    private mutating func stranger(_ path: String) {
        findings.append(Finding(.foreign, path, "is nothing that belongs to a \(kind)", advice: "remove it"))
    }
}
