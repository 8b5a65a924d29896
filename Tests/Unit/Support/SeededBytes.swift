/// Bytes that look random and are the same in every run.
struct SeededBytes: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// Every byte value alike: does not compress.
    static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] { make(count, seed: seed, mask: ~0) }

    /// Four letters only: compresses to about a quarter.
    static func letters(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        make(count, seed: seed, mask: 0x0303_0303_0303_0303)
    }

    private static func make(_ count: Int, seed: UInt64, mask: UInt64) -> [UInt8] {
        var generator = SeededBytes(seed: seed)
        var words = [UInt64](repeating: 0, count: (count + 7) / 8)
        for index in words.indices { words[index] = (generator.next() & mask).littleEndian }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}
