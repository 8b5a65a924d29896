import ByteStreams
import ImageTransfer

/// Reads shards side by side, stripe after stripe: what ends early goes on with zeros.
final class ShardReader {
    private let sources: [HashingSource]
    private let buffers: [UnsafeMutableRawBufferPointer]
    private let length: Int64
    private var position: Int64 = 0

    /// Bytes of all stripes that are in memory at once, targets included.
    private static let memory = 32 << 20

    /// - Parameters:
    ///   - length: of each shard, in bytes.
    ///   - others: how many more buffers of a stripe's size the caller holds.
    init(_ sources: [any ByteSource], length: Int64, others: Int) {
        self.sources = sources.map { HashingSource($0) }
        self.length = length
        let size = Self.memory / (sources.count + others) / 64 * 64
        buffers = sources.map { _ in .allocate(byteCount: min(1 << 20, size), alignment: 64) }
    }

    deinit { for buffer in buffers { buffer.deallocate() } }

    var stripeSize: Int { buffers[0].count }

    /// - Parameter body: is given the next stripe of each, all of one length.
    func forEachStripe(_ body: ([UnsafeMutableRawBufferPointer]) throws -> Void) throws {
        while position < length {
            let count = Int(min(Int64(stripeSize), length - position))
            let stripes = buffers.map { UnsafeMutableRawBufferPointer(rebasing: $0[..<count]) }
            for (source, stripe) in zip(sources, stripes) {
                let filled = try source.fill(stripe)
                UnsafeMutableRawBufferPointer(rebasing: stripe[filled...]).initializeMemory(
                    as: UInt8.self, repeating: 0)
            }
            try body(stripes)
            position += Int64(count)
        }
    }

    /// Of what was read of each, without the zeros.
    var records: [BlobRecord] { sources.map { BlobRecord(digest: $0.digest(), size: $0.count) } }
}
