import Synchronization

/// Large documents are parsed two at a time: one takes many times its size meanwhile, and whoever may write may have written
/// as many as they like.
enum LargeDocuments {
    private static let first = Mutex(()), second = Mutex(())

    /// Does something with a document of a size, in its turn if it is large. Blocks until then.
    static func inTurn<T: Sendable>(_ size: Int, _ body: () throws -> T) throws -> T {
        guard size > Document.ordinarySize else { return try body() }
        if let result = try first.withLockIfAvailable({ _ in try body() }) { return result }
        return try second.withLock { _ in try body() }
    }
}
