import ImageModel
import Synchronization

/// What tags name at the destination before the copy. Each is looked up once.
final class DestinationTags: Sendable {
    private let destination: any ImageDestination
    /// nil: the tag is free.
    private let known = Mutex<[ImageName: Digest?]>([:])

    init(of destination: any ImageDestination) { self.destination = destination }

    func digest(of name: ImageName) async throws -> Digest? {
        if let digest = known.withLock({ $0[name] }) { return digest }
        let digest = try await destination.digest(of: name)
        known.withLock { _ = $0.updateValue(digest, forKey: name) }
        return digest
    }
}
