import Testing

import ByteStreams

struct ErasureCodeTests {
    private static func buffers(_ shards: [[UInt8]]) -> [UnsafeMutableRawBufferPointer] {
        shards.map { shard in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: shard.count, alignment: 64)
            buffer.copyBytes(from: shard)
            return buffer
        }
    }

    /// Whichever shards are lost, those that are left tell what they were; also where a piece is no multiple of a word.
    @Test(arguments: [1, 3, 7], [64, 1000, 4097])
    func anyLossIsMadeUpFor(_ data: Int, _ length: Int) throws {
        let parity = 3
        let shards = (0..<data).map { SeededBytes.noise(length, seed: UInt64($0)) }
        let all = Self.buffers(shards + Array(repeating: [UInt8](repeating: 0, count: length), count: parity))
        defer { for buffer in all { buffer.deallocate() } }
        try ErasureCode(data: data, parity: parity).run(Array(all[..<data]), Array(all[data...]))
        for mask in 0..<(1 << (data + parity)) where mask.nonzeroBitCount == data {
            let present = (0..<data + parity).filter { mask >> $0 & 1 == 1 }
            let lost = (0..<data + parity).filter { mask >> $0 & 1 == 0 }
            let made = Self.buffers(lost.map { _ in [UInt8](repeating: 0, count: length) })
            defer { for buffer in made { buffer.deallocate() } }
            try ErasureCode(making: lost, from: present, data: data, parity: parity).run(present.map { all[$0] }, made)
            for (position, shard) in lost.enumerated() {
                #expect(made[position].elementsEqual(all[shard]), "\(shard) of \(present)")
            }
        }
    }
}
