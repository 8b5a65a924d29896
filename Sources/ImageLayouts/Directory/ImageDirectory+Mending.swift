import ByteStreams
import FileTrees
package import ImageModel
import ImageVerification

extension ImageDirectory: MendablePlace {
    package func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            // Nobody else writes from here on.
            if (try? root()) != nil { return }
            try area.write(bytes, to: path)
        }
    }

    package func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        let manifest = try Manifest(list, name: path)
        let origin = ListOrigin { [path = self.path] digest in
            try ["", ".manifest.json"].contains { try fileSize("\(path)/\(digest.hex)\($0)") != nil }
        }
        return try await origin.isHere(manifest.children + manifest.blobs, reading: read)
    }

    package func keptReplaced() throws -> String? { try quarantine?.settle() }
}
