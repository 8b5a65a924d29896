import ByteStreams
import ImageModel

/// A store whose garbage is collected, wherever it lies.
package protocol CollectedStore: Sendable {
    /// What messages call it.
    var title: String { get }
    /// - Throws: `ImageError`, with a `CollectionRefused` as its cause, if something cannot be read, before anything is
    ///   deleted; `ImageError.notFound` where there is no store.
    func collect(_ options: CollectionOptions) async throws -> CollectionReport
    /// What earlier collections moved away, oldest first.
    func quarantined() async throws -> [StoreQuarantine.Entry]
    /// Puts back what one run moved away.
    ///
    /// - Parameter id: nil for the latest.
    func restoreQuarantine(_ id: String?, isExclusive: Bool) async throws -> StoreQuarantine.Restoration
    /// Deletes what one run moved away.
    ///
    /// - Parameter id: nil for all of them.
    func purgeQuarantine(_ id: String?) async throws -> [StoreQuarantine.Entry]
}

extension StoreDirectory: CollectedStore {
    package func collect(_ options: CollectionOptions) async throws -> CollectionReport {
        try await StoreCollector(root: path, options).run()
    }

    package func quarantined() async throws -> [StoreQuarantine.Entry] {
        try await Workers.blobs.run { [path] in try StoreQuarantine(root: path).entries() }
    }

    package func restoreQuarantine(_ id: String?, isExclusive: Bool) async throws -> StoreQuarantine.Restoration {
        try await StoreQuarantine(root: path).restore(id)
    }

    package func purgeQuarantine(_ id: String?) async throws -> [StoreQuarantine.Entry] {
        try await StoreQuarantine(root: path).purge(id)
    }
}

extension StoreBucket: CollectedStore {
    package func collect(_ options: CollectionOptions) async throws -> CollectionReport {
        try await Workers.blobs.run { [self] in try BucketCollector(tree: self, options: options).run() }
    }

    package func quarantined() async throws -> [StoreQuarantine.Entry] {
        try await Workers.blobs.run { [self] in try BucketQuarantine(tree: self).entries() }
    }

    package func restoreQuarantine(_ id: String?, isExclusive: Bool) async throws -> StoreQuarantine.Restoration {
        try await Workers.blobs.run { [self] in
            try BucketQuarantine(tree: self).restore(id, isExclusive: isExclusive)
        }
    }

    package func purgeQuarantine(_ id: String?) async throws -> [StoreQuarantine.Entry] {
        try await Workers.blobs.run { [self] in try BucketQuarantine(tree: self).purge(id) }
    }
}
