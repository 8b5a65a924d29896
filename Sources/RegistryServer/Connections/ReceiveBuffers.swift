import NIOCore

/// Buffers for what a connection receives, as large as what came last, and each for one reading: an idle connection
/// keeps none.
///
/// NIO keeps `maxMessagesPerRead` buffers of a connection for later, and they never shrink. With 1 it keeps the first
/// one, which is small, and reads into that again only if this allocator tells the next size, or says that the next
/// buffer will not be larger.
struct ReceiveBuffers: RecvByteBufferAllocator {
    private var sizes = AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 1024, maximum: 64 << 10)

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { sizes.buffer(allocator: allocator) }

    func nextBufferSize() -> Int? { nil }

    mutating func record(actualReadBytes: Int) -> Bool {
        _ = sizes.record(actualReadBytes: actualReadBytes)
        return true
    }
}
