import AsyncHTTPClient
import Dispatch
import NIOCore
import NIOHTTP1
import Synchronization

/// One request on its way and the answer to it, for a thread that waits.
///
/// The event loop puts in what arrives and signals; the thread takes it out. Neither runs ahead of the other
/// by more than `window` bytes. Whoever waits gives up after `patience` in which nothing happened.
final class HTTPExchange: HTTPClientResponseDelegate {
    typealias Response = Void

    /// Bytes that may wait for the reader.
    static let window = 1 << 20

    private struct State {
        var head: HTTPResponseHead?
        var arrived: CircularBuffer<ByteBuffer> = []
        var waiting = 0
        var isEnded = false
        var failure: (any Error)?
        var resume: EventLoopPromise<Void>?
        var writer: HTTPClient.Body.StreamWriter?
        /// Completes the request's body; nil once that is done.
        var bodyEnd: EventLoopPromise<Void>?
        var underway = 0
        var task: HTTPClient.Task<Void>?
    }

    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)
    private let patience: DispatchTimeInterval
    private let loop: any EventLoop
    /// The owner of the client, which must not be shut down before this ends.
    private let owner: any Sendable

    init(patience: Duration, loop: any EventLoop, keeping owner: any Sendable) {
        self.owner = owner
        self.patience = .milliseconds(Int(patience / .milliseconds(1)))
        self.loop = loop
    }

    func started(_ task: HTTPClient.Task<Void>) { state.withLock { $0.task = task } }

    // MARK: The request's body

    /// Called by the client when the head is on its way.
    func openBody(_ writer: HTTPClient.Body.StreamWriter) -> EventLoopFuture<Void> {
        let end = loop.makePromise(of: Void.self)
        state.withLock { state in
            state.writer = writer
            state.bodyEnd = end
        }
        changed.signal()
        return end.futureResult
    }

    /// Sends more of the body; waits while too much is under way.
    ///
    /// - Returns: false if the answer came before all was sent.
    /// - Throws: what broke the connection.
    func send(_ bytes: ByteBuffer) throws -> Bool {
        let writer: HTTPClient.Body.StreamWriter? = try wait { state in
            if state.head != nil || state.isEnded { return .some(nil) }
            guard let writer = state.writer, state.underway < 2 else { return nil }
            state.underway += 1
            return writer
        }
        guard let writer else { return false }
        writer.write(.byteBuffer(bytes)).whenComplete { result in
            self.state.withLock { state in
                state.underway -= 1
                if case .failure(let error) = result, state.failure == nil, !state.isEnded, state.head == nil {
                    state.failure = error
                }
            }
            self.changed.signal()
        }
        return true
    }

    /// The body is whole.
    func endBody() throws {
        let end: EventLoopPromise<Void>? = try wait { state in
            guard state.bodyEnd != nil || state.head != nil || state.isEnded else { return nil }
            defer { state.bodyEnd = nil }
            return .some(state.bodyEnd)
        }
        end?.succeed()
    }

    // MARK: The answer

    /// Waits for status and headers.
    func head() throws -> HTTPResponseHead { try wait { $0.head } }

    /// - Returns: the next bytes, at most as many as fit; nil at the end.
    func next(_ limit: Int) throws -> ByteBuffer? {
        let (piece, resume): (ByteBuffer?, EventLoopPromise<Void>?) = try wait { state in
            guard var first = state.arrived.first else { return state.isEnded ? (nil, nil) : nil }
            let piece = first.readSlice(length: min(limit, first.readableBytes))
            if first.readableBytes == 0 {
                state.arrived.removeFirst()
            } else {
                state.arrived[state.arrived.startIndex] = first
            }
            state.waiting -= piece?.readableBytes ?? 0
            guard state.waiting < Self.window / 2 else { return (piece, nil) }
            defer { state.resume = nil }
            return (piece, state.resume)
        }
        resume?.succeed()
        return piece
    }

    /// Nobody is interested any more.
    func abandon() {
        let (task, end, resume) = state.withLock { state in
            defer {
                state.bodyEnd = nil
                state.resume = nil
            }
            return (state.isEnded ? nil : state.task, state.bodyEnd, state.resume)
        }
        task?.cancel()
        end?.fail(HTTPClientError.cancelled)
        resume?.fail(HTTPClientError.cancelled)
    }

    /// Until `look` finds something. What arrived before a failure is still found.
    private func wait<T>(_ look: (inout State) -> T?) throws -> T {
        while true {
            let found: Result<T, any Error>? = state.withLock { state in
                if let value = look(&state) { return .success(value) }
                return state.failure.map { .failure($0) }
            }
            if let found { return try found.get() }
            if changed.wait(timeout: .now() + patience) == .timedOut {
                abandon()
                throw HTTPClientError.readTimeout
            }
        }
    }

    // MARK: On the event loop

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        state.withLock { $0.head = head }
        changed.signal()
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let pause = state.withLock { state -> EventLoopPromise<Void>? in
            if buffer.readableBytes > 0 { state.arrived.append(buffer) }
            state.waiting += buffer.readableBytes
            guard state.waiting >= Self.window else { return nil }
            let pause = task.eventLoop.makePromise(of: Void.self)
            state.resume = pause
            return pause
        }
        changed.signal()
        return pause?.futureResult ?? task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        let end = state.withLock { state in
            if state.failure == nil { state.failure = error }
            defer { state.bodyEnd = nil }
            return state.bodyEnd
        }
        end?.fail(error)
        changed.signal()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {
        let end = state.withLock { state in
            state.isEnded = true
            defer { state.bodyEnd = nil }
            return state.bodyEnd
        }
        end?.fail(HTTPClientError.cancelled)
        changed.signal()
    }
}
