import ByteStreams
import FileTrees
package import ImageModel
import ImageVerification

extension OCILayout: MendablePlace {
    package func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            let lock = try area.alone()
            defer { withExtendedLifetime(lock) {} }
            if LayoutDocuments.isSound(path, in: area.root) { return }
            try area.write(bytes, to: path)
        }
    }

    package func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        try await blobs.owns(list, at: path, reading: read)
    }

    package func keptReplaced() throws -> String? { try quarantine?.settle() }
}
