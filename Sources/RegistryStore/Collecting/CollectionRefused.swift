import ByteStreams
import ImageModel
import ImageTransfer

/// Why nothing was deleted: what cannot be read might refer to any blob.
package struct CollectionRefused: Error, CustomStringConvertible {
    /// Names what is wrong, the cause, and what to do.
    package struct Problem: Sendable, CustomStringConvertible {
        package let description: String
        /// Whether the store is damaged, rather than that the system did not let it be read.
        package let isDamage: Bool

        /// - Parameter cause: nil for damage that is described in full.
        init(_ description: String, cause: (any Error)? = nil) {
            self.description = description
            isDamage = (cause as? ImageError)?.errno == nil
        }
    }

    package let problems: [Problem]
    package var isDamage: Bool { problems.contains(where: \.isDamage) }

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return "nothing is deleted while something cannot be read that may refer to blobs: \(count)\n"
            + problems.map(\.description).joined(separator: "\n")
    }
}
