import Dispatch
import NIOCore
import Synchronization

/// The parts of one upload that are on their way. The upload begins with the first of them.
final class PartQueue: Sendable {
    /// Parts that are sent at once.
    private static let atOnce = 4

    private struct State {
        /// Bytes that are reserved for the part that is being filled, and for those on their way.
        var reserved = 0
        var underway: [Int: Task<Void, Never>] = [:]
        var parts: [UploadedPart] = []
        var failure: (any Error)?
        var start: Task<MultipartUpload, any Error>?
    }

    /// A part until it is sent: its memory is free as soon as it is.
    private final class Body: Sendable {
        private let bytes: Mutex<ByteBuffer?>
        init(_ bytes: ByteBuffer) { self.bytes = Mutex(bytes) }
        func take() -> ByteBuffer { bytes.withLock { $0.take() ?? ByteBuffer() } }
    }

    private let bucket: Bucket
    private let key: String
    private let memory: Int
    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)

    /// - Parameter memory: bytes of all parts at once.
    init(_ bucket: Bucket, key: String, memory: Int, resuming upload: MultipartUpload?, parts: [UploadedPart]) {
        self.bucket = bucket
        self.key = key
        self.memory = memory
        state.withLock { state in
            state.parts = parts
            state.start = upload.map { upload in Task { upload } }
        }
    }

    /// Blocks until there is memory for another part.
    ///
    /// - Parameters:
    ///   - size: bytes that are reserved.
    ///   - likely: bytes that the part will probably have.
    /// - Returns: an empty buffer for it.
    /// - Throws: the failure of an earlier part.
    func buffer(_ size: Int, likely: Int) throws -> ByteBuffer {
        try wait { state in
            let isFree =
                state.reserved == 0 || state.reserved + size <= self.memory && state.underway.count < Self.atOnce
            if isFree { state.reserved += size }
            return isFree
        }
        return ByteBufferAllocator().buffer(capacity: likely)
    }

    /// Sends a part for which memory is reserved.
    func send(_ number: Int, _ bytes: ByteBuffer, reserved: Int) {
        let body = Body(bytes)
        state.withLock { state in
            state.underway[number] = Task {
                do {
                    let upload = try await self.started()
                    self.ended(number, reserved, .success(try await upload.put(number, body.take())))
                } catch {
                    self.ended(number, reserved, .failure(error))
                }
            }
        }
    }

    private func started() async throws -> MultipartUpload {
        let task = state.withLock { state in
            let task = state.start ?? Task { try await self.bucket.startUpload(self.key) }
            state.start = task
            return task
        }
        return try await task.value
    }

    private func ended(_ number: Int, _ reserved: Int, _ result: Result<UploadedPart, any Error>) {
        state.withLock { state in
            state.underway[number] = nil
            state.reserved -= reserved
            switch result {
            case .success(let part): state.parts.append(part)
            case .failure(let error): state.failure = state.failure ?? error
            }
        }
        changed.signal()
    }

    /// Whether any part was sent.
    var isStarted: Bool { state.withLock { !$0.parts.isEmpty || !$0.underway.isEmpty || $0.failure != nil } }

    /// Blocks until all parts are there.
    @discardableResult
    func settle() throws -> (upload: MultipartUpload?, parts: [UploadedPart]) {
        try wait { $0.underway.isEmpty }
        let (start, parts) = state.withLock { ($0.start, $0.parts.sorted { $0.number < $1.number }) }
        return (try start.map { start in try Blocking.wait { try await start.value } }, parts)
    }

    /// Blocks until all parts are there, and makes the object of them.
    func complete() throws {
        let (upload, parts) = try settle()
        guard let upload else { return }
        try Blocking.wait { try await upload.complete(parts) }
    }

    /// Stops what is on its way, and drops the parts.
    func abort() async {
        let tasks = state.withLock { Array($0.underway.values) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        // Only now: the last of them to begin may be who began the upload.
        if let upload = try? await state.withLock({ $0.start })?.value { try? await upload.abort() }
    }

    /// Blocks until `isReady`, or until a part has failed.
    private func wait(until isReady: (inout State) -> Bool) throws {
        while true {
            let isDone = try state.withLock { state in
                if let failure = state.failure { throw failure }
                return isReady(&state)
            }
            if isDone { return }
            changed.wait()
        }
    }
}
