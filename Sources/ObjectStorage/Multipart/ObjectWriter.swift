import ByteStreams
import ImageModel
import NIOCore

/// Writes one object from a worker thread, in bounded memory.
///
/// Objects that fit into one part are written by one request, larger ones in parts of which up to four are on their way.
/// Nothing is visible before `commit`. A writer that is dropped without it aborts its upload.
package final class ObjectWriter: ByteSink {
    package let key: String
    /// Bytes that were written so far.
    package private(set) var count: Int64 = 0
    private let bucket: Bucket
    private let plan: PartPlan
    private let expected: Int64?
    private let queue: PartQueue
    private var buffer: ByteBuffer?
    /// Bytes of the part that is being filled.
    private var size = 0
    private var number = 0
    private var isOpen = true

    /// - Parameters:
    ///   - upload: goes on with it.
    ///   - parts: of the upload, in their order.
    init(
        _ bucket: Bucket, key: String, expected: Int64?, resuming upload: MultipartUpload? = nil,
        parts: [UploadedPart] = []
    ) {
        self.bucket = bucket
        self.key = key
        self.expected = expected
        plan = PartPlan(expected: expected, usual: bucket.options.partSize, limit: bucket.options.partLimit)
        queue = PartQueue(bucket, key: key, memory: bucket.options.uploadMemory, resuming: upload, parts: parts)
        number = parts.last?.number ?? 0
    }

    /// Whether any part was sent.
    package var isStarted: Bool { queue.isStarted }

    deinit {
        guard isOpen, queue.isStarted else { return }
        Task.detached { [queue] in await queue.abort() }
    }

    /// Takes all of `bytes`; blocks while too much is on its way.
    ///
    /// - Throws: `ImageError`, also for parts that were sent earlier.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard isOpen else { throw ImageError(.service, "\(bucket.sender.name(key)): the upload has already ended") }
        var rest = bytes[...]
        while !rest.isEmpty {
            // A full part waits until there is more: it may be all.
            if let full = buffer, full.readableBytes == size { send(full) }
            if buffer == nil { try begin() }
            let piece = rest.prefix(size - (buffer?.readableBytes ?? 0))
            buffer?.writeBytes(UnsafeRawBufferPointer(rebasing: piece))
            rest = rest.dropFirst(piece.count)
            count += Int64(piece.count)
        }
    }

    private func begin() throws {
        guard let next = plan.size(of: number + 1) else {
            throw ImageError.limit(
                "\(bucket.sender.name(key)): more than \(number) parts; use a larger part size (chunksize)")
        }
        // The size is only a promise, and small objects need no large buffer.
        let likely = expected.map { min(Int64(next), max(0, $0 - count)) } ?? (number > 0 ? Int64(next) : 256 << 10)
        buffer = try queue.buffer(next, likely: Int(likely))
        number += 1
        size = next
    }

    private func send(_ part: ByteBuffer) {
        buffer = nil
        queue.send(number, part, reserved: size)
    }

    /// Sends what waits, so that only `commit` is left to be done; blocks until the server has it. An object of one part
    /// waits on.
    package func flush() throws {
        guard isOpen, queue.isStarted else { return }
        if let last = buffer { send(last) }
        try queue.settle()
    }

    /// Stops writing, so that another writer can go on with the upload; blocks until the server has the parts.
    ///
    /// - Returns: the upload, if it has begun, its parts, and the bytes that are too few for a part.
    /// - Throws: `ImageError`; the upload stays as it is then.
    package func pause() throws -> (upload: MultipartUpload?, parts: [UploadedPart], rest: [UInt8]) {
        if queue.isStarted, let last = buffer, last.readableBytes >= PartPlan.smallest { send(last) }
        let (upload, parts) = try queue.settle()
        isOpen = false
        defer { buffer = nil }
        return (upload, parts, buffer.map { Array($0.readableBytesView) } ?? [])
    }

    /// Stops writing and leaves the upload as it is.
    package func suspend() { isOpen = false }

    /// Makes the object visible; blocks until the server has all of it.
    ///
    /// - Parameter other: another key for it, as long as no part was sent.
    /// - Throws: `ImageError`; the upload is aborted then.
    package func commit(as other: String? = nil) throws {
        guard isOpen else { return }
        do {
            if queue.isStarted {
                if let last = buffer { send(last) }
                try queue.complete()
            } else {
                try bucket.wait { [key = other ?? key, all = buffer ?? ByteBuffer()] in try await $0.put(key, all) }
            }
            isOpen = false
            buffer = nil
        } catch {
            abort()
            throw error
        }
    }

    /// Drops what was written; blocks until the server has been told. Does nothing after `commit`.
    package func abort() {
        guard isOpen else { return }
        isOpen = false
        buffer = nil
        guard queue.isStarted else { return }
        try? Blocking.wait { [queue] in await queue.abort() }
    }
}

extension Bucket {
    /// Begins to write an object; sends nothing yet.
    ///
    /// - Parameter expectedSize: bytes, where they are known: they decide the size of the parts.
    package func writer(_ key: String, expectedSize: Int64? = nil) -> ObjectWriter {
        ObjectWriter(self, key: key, expected: expectedSize)
    }

    /// Goes on with an object that was begun by `ObjectWriter.pause`.
    ///
    /// - Parameters:
    ///   - upload: nil if no part was sent.
    ///   - parts: in their order.
    package func writer(_ key: String, resuming upload: MultipartUpload?, parts: [UploadedPart]) -> ObjectWriter {
        ObjectWriter(self, key: key, expected: nil, resuming: upload, parts: parts)
    }

    /// Bytes of a part.
    package var partSize: Int { options.partSize }
}
