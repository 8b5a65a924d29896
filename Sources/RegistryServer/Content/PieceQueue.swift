import ByteStreams
import NIOCore
import Synchronization

/// Work on the pieces of a body in their order: on one worker thread at a time, and on none while little has come.
///
/// Whoever adds waits only while much is unfinished, so the next pieces arrive while these are worked on.
final class PieceQueue: Sendable {
    private struct State {
        var pieces: [ByteBuffer] = []
        /// Bytes that were added and are not finished.
        var unfinished = 0
        var isRunning = false
        var failure: (any Error)?
        var waiting: Waiting?

        /// Whether a thread is to be woken, which is then taken for running.
        mutating func wakes() -> Bool {
            guard !isRunning, !pieces.isEmpty, waiting != nil || unfinished >= PieceQueue.batch else { return false }
            isRunning = true
            return true
        }

        var outcome: Result<Void, any Error> { failure.map { .failure($0) } ?? .success(()) }
    }

    private struct Waiting {
        /// Unfinished bytes that it puts up with.
        var most: Int
        var continuation: CheckedContinuation<Void, any Error>
    }

    /// Bytes that are worth waking a thread.
    private static let batch = 256 << 10
    /// Bytes that may be unfinished while more are added.
    private static let limit = 512 << 10

    private let state = Mutex(State())
    private let work: @Sendable (UnsafeRawBufferPointer) throws -> Void

    /// - Parameter work: blocks; is not called again after it has thrown.
    init(_ work: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void) { self.work = work }

    /// - Throws: what the work has thrown on a piece before.
    func add(_ piece: ByteBuffer) async throws {
        let wakes = state.withLock { state in
            state.pieces.append(piece)
            state.unfinished += piece.readableBytes
            return state.wakes()
        }
        if wakes { start() }
        try await wait(most: Self.limit)
    }

    /// Waits until all is done.
    func finish() async throws { try await wait(most: 0) }

    private func wait(most: Int) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let (outcome, wakes): (Result<Void, any Error>?, Bool) = state.withLock { state in
                guard state.unfinished > most else { return (state.outcome, false) }
                state.waiting = Waiting(most: most, continuation: continuation)
                return (nil, state.wakes())
            }
            if let outcome { continuation.resume(with: outcome) }
            if wakes { start() }
        }
    }

    private func start() { Workers.blobs.submit { [self] in run() } }

    private func run() {
        let (pieces, failed) = state.withLock { state in
            defer { state.pieces = [] }
            return (state.pieces, state.failure != nil)
        }
        var failure: (any Error)?
        do {
            if !failed { for piece in pieces { try piece.withUnsafeReadableBytes(work) } }
        } catch {
            failure = error
        }
        let count = pieces.reduce(0) { $0 + $1.readableBytes }
        let (done, outcome, wakes) = state.withLock { state in
            state.unfinished -= count
            state.failure = state.failure ?? failure
            state.isRunning = false
            var done: Waiting?
            if let waiting = state.waiting, state.unfinished <= waiting.most { swap(&done, &state.waiting) }
            return (done, state.outcome, state.wakes())
        }
        done?.continuation.resume(with: outcome)
        // Behind everybody else's work, so that one body cannot keep a thread.
        if wakes { start() }
    }
}
