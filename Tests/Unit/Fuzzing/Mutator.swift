/// Makes of some inputs others, the same ones in every run.
struct Mutator {
    private let seeds: [[UInt8]]
    private var random: SeededBytes
    private static let numbers = [
        "0", "-1", "9223372036854775808", "1e999", "65536", "null", "", "\0", "\u{301}", "\r\n",
    ]

    /// - Parameter seeds: at least one.
    init(_ seeds: [[UInt8]], seed: UInt64) {
        self.seeds = seeds
        random = SeededBytes(seed: seed)
    }

    private mutating func pick<Element>(_ all: [Element]) -> Element {
        all[Int.random(in: all.indices, using: &random)]
    }

    private mutating func range(in bytes: [UInt8], atMost length: Int) -> Range<Int> {
        let start = Int.random(in: 0...bytes.count, using: &random)
        return start..<Int.random(in: start...min(bytes.count, start + length), using: &random)
    }

    /// A seed with some changes.
    mutating func next() -> [UInt8] {
        var bytes = pick(seeds)
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(range(in: bytes, atMost: 16))
        case 3: bytes.insert(contentsOf: Array(pick(Self.numbers).utf8), at: place)
        case 4: bytes.insert(contentsOf: bytes[range(in: bytes, atMost: 64)], at: place)
        case 5:
            let other = pick(seeds)
            bytes.insert(contentsOf: other[range(in: other, atMost: 64)], at: place)
        default: bytes = Array(bytes[..<place])
        }
    }

    /// A seed in which some piece is there again and again.
    mutating func large(_ count: Int) -> [UInt8] {
        let bytes = pick(seeds)
        let piece = range(in: bytes, atMost: 256)
        guard !piece.isEmpty else { return [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: count) }
        let pieces = [[UInt8]](repeating: Array(bytes[piece]), count: max(1, (count - bytes.count) / piece.count))
        return Array(bytes[..<piece.lowerBound] + pieces.joined() + bytes[piece.upperBound...])
    }
}
