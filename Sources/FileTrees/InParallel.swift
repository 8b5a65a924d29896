import ByteStreams
import ImageModel
import Synchronization

/// Work on a store's many small files, on several threads at once. The results are in the items' order.
///
/// - Parameter body: is given a buffer that any manifest fits in.
package func inParallel<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ body: @Sendable @escaping (Item, UnsafeMutableRawBufferPointer) throws -> Result
) async throws -> [Result] {
    let queue = WorkQueue<Result>(items.count)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<min(8, items.count) {
            group.addTask {
                try await Workers.blobs.run {
                    try withManifestBuffer { buffer in
                        while let position = queue.next() {
                            queue.finish(position, try body(items[position], buffer))
                        }
                    }
                }
            }
        }
        try await group.waitForAll()
    }
    return queue.results
}

/// Which item is next, and what became of the others.
private final class WorkQueue<Result: Sendable>: Sendable {
    private let state: Mutex<(next: Int, results: [Result?])>

    init(_ count: Int) { state = Mutex((0, [Result?](repeating: nil, count: count))) }

    func next() -> Int? {
        state.withLock { state in
            guard state.next < state.results.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func finish(_ position: Int, _ result: Result) { state.withLock { $0.results[position] = result } }

    var results: [Result] { state.withLock { $0.results.compactMap { $0 } } }
}

/// Room for the largest manifest and a byte more.
package func withManifestBuffer<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Document.sizeLimit + 1, alignment: 16)
    defer { buffer.deallocate() }
    return try body(buffer)
}
