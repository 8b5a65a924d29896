import ImageModel

/// The keys of the first source that has some, kept until shortly before they expire.
package actor CredentialCache {
    /// Seconds before their expiry from which on keys are replaced, and from which on they are no longer used at all.
    private static let earliest = 300
    private static let latest = 30

    private let sources: [any CredentialSource]
    private let clock: @Sendable () -> Int
    private var current: AccessKeys?
    private var loading: Task<AccessKeys, any Error>?
    /// The earliest time for another try after keys could not be replaced.
    private var nextTry = 0

    /// - Parameter clock: the time in seconds since 1970.
    package init(_ sources: [any CredentialSource], clock: @escaping @Sendable () -> Int = { Timestamp.now }) {
        self.sources = sources
        self.clock = clock
    }

    /// Returns valid keys; loads them at most once at a time.
    ///
    /// - Throws: `ImageError.unauthorised` where no source has keys.
    package func keys() async throws -> AccessKeys {
        let now = clock()
        if let current,
            current.expiry.map({ $0 - now > Self.earliest || (nextTry > now && $0 - now > Self.latest) }) ?? true
        {
            return current
        }
        do {
            let task = loading ?? Task { try await load() }
            loading = task
            defer { loading = nil }
            let keys = try await task.value
            current = keys
            return keys
        } catch {
            // Keys that are still valid are better than none, and the next request tries again.
            guard let current, let expiry = current.expiry, expiry - now > Self.latest else { throw error }
            nextTry = now + 10
            return current
        }
    }

    /// Drops keys that a server refused as expired, so that they are loaded again.
    package func forget(_ keys: AccessKeys) { if current == keys { current = nil } }

    private func load() async throws -> AccessKeys {
        for source in sources {
            if let keys = try await source.load() { return keys }
        }
        throw ImageError(
            .unauthorised, "S3 credentials are missing",
            hint:
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile in ~/.aws/credentials, or an instance role")
    }
}
