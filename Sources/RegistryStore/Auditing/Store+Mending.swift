import ByteStreams
import FileTrees
package import ImageModel
import ImageTransfer
import ImageVerification

extension Store: MendablePlace {
    /// A link, while nobody collects garbage.
    package func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            try tree.whileUsing {
                if let target, try tree.keep(paths.blob(target)) == nil {
                    throw ImageError.notFound("\(title) has no \(target) for \(path) to lead to")
                }
                try tree.put(bytes, at: path)
            }
        }
    }

    package func mend(_ name: ImageName, to descriptor: Descriptor) async throws {
        guard let tag = name.tag else { return }
        try await Workers.commits.run { [self] in
            // Alone: nobody sets the tag between the look and what is written.
            try tree.whileAlone {
                guard try isBroken(tag, in: name.repository) else { return }
                try setTag(tag, descriptor.digest, in: name.repository)
            }
        }
    }

    /// Whether a tag is there, and means nothing, or what it never meant by its history.
    private func isBroken(_ tag: String, in repository: String) throws -> Bool {
        guard try tree.isThere(paths.tag(tag, repository)) else { return false }
        guard let digest = try? source.link(paths.currentLink(tag, repository)) else { return true }
        return try !tree.isThere(paths.tagIndexLink(digest, tag, repository))
    }

    package func keptReplaced() throws -> String? { try tree.settleQuarantine() }
}
