import ByteStreams
import Dispatch
import NIOCore
import Synchronization

/// The bytes between a task that receives a body and a thread that reads it. The task runs ahead by at most `limit` bytes.
final class BodyWindow: Sendable {
    /// Bytes.
    static let limit = 1 << 20

    private struct State {
        var pieces: CircularBuffer<ByteBuffer> = []
        var count = 0
        var end: Result<Void, any Error>?
        var isAbandoned = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)

    /// Adds a piece; waits while too much is there.
    func put(_ piece: ByteBuffer) async {
        let isFull = state.withLock { state in
            state.pieces.append(piece)
            state.count += piece.readableBytes
            return state.count >= Self.limit
        }
        changed.signal()
        guard isFull else { return }
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard state.count >= Self.limit, !state.isAbandoned else { return true }
                state.waiter = continuation
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    /// Nothing more comes.
    func end(_ result: Result<Void, any Error>) {
        state.withLock { $0.end = result }
        changed.signal()
    }

    /// Nobody reads any more.
    func abandon() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            state.isAbandoned = true
            state.pieces.removeAll()
            return state.waiter
        }
        waiter?.resume()
    }

    /// Blocks until there is something; see `ByteSource`.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let (count, waiter): (Int?, CheckedContinuation<Void, Never>?) = try state.withLock { state in
                guard !state.pieces.isEmpty else {
                    guard let end = state.end else { return (nil, nil) }
                    try end.get()
                    return (0, nil)
                }
                var count = 0
                while count < buffer.count, var first = state.pieces.first {
                    let part = min(buffer.count - count, first.readableBytes)
                    first.readWithUnsafeReadableBytes { bytes in
                        UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<part]))
                        return part
                    }
                    count += part
                    if first.readableBytes == 0 {
                        state.pieces.removeFirst()
                    } else {
                        state.pieces[state.pieces.startIndex] = first
                    }
                }
                state.count -= count
                guard state.count < Self.limit / 2 else { return (count, nil) }
                defer { state.waiter = nil }
                return (count, state.waiter)
            }
            waiter?.resume()
            if let count { return count }
            changed.wait()
        }
    }
}
