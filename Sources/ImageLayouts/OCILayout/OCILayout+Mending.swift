import ByteStreams
import FileTrees
public import ImageModel
public import ImageVerification

extension OCILayout: MendablePlace {
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            let lock = try DirectoryLock.waiting(.exclusive, in: area.root)
            defer { withExtendedLifetime(lock) {} }
            if LayoutDocuments.isSound(path, in: area.root) { return }
            try area.write(bytes, to: path)
        }
    }

    public func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        try await blobs.owns(list, at: path, reading: read)
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}
