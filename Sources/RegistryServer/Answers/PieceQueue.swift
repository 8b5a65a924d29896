import ByteStreams
import NIOCore
import Synchronization

/// Work on the pieces of a body in their order: on one worker thread at a time, and on none while little has come.
///
/// Whoever adds waits only while much is unfinished, so the next pieces arrive while these are worked on. Pieces that no
/// others follow are worked on after a while, and at once when all queues together hold much: clients that stop sending
/// must not fill the memory.
final class PieceQueue: Sendable {
    private struct State {
        var pieces: [ByteBuffer] = []
        /// Whether the last piece is a collection of small ones.
        var isCollecting = false
        /// Bytes that were added and are not finished.
        var unfinished = 0
        var isRunning = false
        /// Whether a timer runs.
        var isTimed = false
        var failure: (any Error)?
        var waiting: Waiting?

        mutating func append(_ piece: ByteBuffer) {
            unfinished += piece.readableBytes
            let isSmall = piece.readableBytes < piece.storageCapacity / 4
            if !isSmall || !isCollecting {
                // A copy, since a small piece would keep the whole buffer that it is a part of.
                pieces.append(isSmall ? ByteBuffer(bytes: piece.readableBytesView) : piece)
            } else {
                pieces[pieces.count - 1].writeImmutableBuffer(piece)
            }
            isCollecting = isSmall
        }

        /// Whether a thread is to be woken, which is then taken for running.
        ///
        /// - Parameter isDue: whether the pieces have waited for long enough.
        mutating func wakes(_ isDue: Bool) -> Bool {
            let isMuch = isDue || waiting != nil || unfinished >= PieceQueue.batch || PieceQueue.isMemoryFull
            guard !isRunning, !pieces.isEmpty, isMuch else { return false }
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
    /// Time after which a thread is woken for less.
    private static let patience = Duration.seconds(1)
    /// Bytes that may be unfinished in all queues before none waits for more pieces.
    private static let memory = 32 << 20
    private static let used = Atomic(0)

    private static var isMemoryFull: Bool { used.load(ordering: .relaxed) > memory }

    private let state = Mutex(State())
    private let work: @Sendable (UnsafeRawBufferPointer) throws -> Void

    /// - Parameter work: blocks; is not called again after it has thrown.
    init(_ work: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void) { self.work = work }

    deinit { Self.used.subtract(state.withLock { $0.unfinished }, ordering: .relaxed) }

    /// - Throws: what the work has thrown on a piece before.
    func add(_ piece: ByteBuffer) async throws {
        Self.used.add(piece.readableBytes, ordering: .relaxed)
        state.withLock { $0.append(piece) }
        proceed()
        try await wait(most: Self.isMemoryFull ? 0 : Self.limit)
    }

    /// Waits until all is done.
    func finish() async throws { try await wait(most: 0) }

    private func wait(most: Int) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let outcome = state.withLock { state -> Result<Void, any Error>? in
                guard state.unfinished > most else { return state.outcome }
                state.waiting = Waiting(most: most, continuation: continuation)
                return nil
            }
            if let outcome { continuation.resume(with: outcome) } else { proceed() }
        }
    }

    /// Wakes a thread, if there is enough to do, or sets a timer.
    private func proceed(isDue: Bool = false) {
        let (wakes, waits) = state.withLock { state in
            if state.wakes(isDue) { return (true, false) }
            let waits = !state.isRunning && !state.pieces.isEmpty && !state.isTimed
            if waits { state.isTimed = true }
            return (false, waits)
        }
        // Behind everybody else's work, so that one body cannot keep a thread.
        if wakes { Workers.blobs.submit { [self] in run() } }
        guard waits else { return }
        Task { [weak self] in
            try? await Task.sleep(for: Self.patience)
            self?.state.withLock { $0.isTimed = false }
            self?.proceed(isDue: true)
        }
    }

    private func run() {
        let (pieces, failed) = state.withLock { state in
            defer { (state.pieces, state.isCollecting) = ([], false) }
            return (state.pieces, state.failure != nil)
        }
        var failure: (any Error)?
        do {
            if !failed { for piece in pieces { try piece.withUnsafeReadableBytes(work) } }
        } catch {
            failure = error
        }
        let count = pieces.reduce(0) { $0 + $1.readableBytes }
        Self.used.subtract(count, ordering: .relaxed)
        let (done, outcome) = state.withLock { state in
            state.unfinished -= count
            state.failure = state.failure ?? failure
            state.isRunning = false
            var done: Waiting?
            if let waiting = state.waiting, state.unfinished <= waiting.most { swap(&done, &state.waiting) }
            return (done, state.outcome)
        }
        done?.continuation.resume(with: outcome)
        proceed()
    }
}
