extension TarFormat {
    /// Whether a block is the header of a member, by its checksum.
    package static func isHeader<Block: RandomAccessCollection<UInt8>>(_ block: Block) -> Bool
    where Block.Index == Int {
        let start = block.startIndex
        guard block.count >= blockSize, let stated = number(block[(start + 148)..<(start + 156)]) else { return false }
        var unsigned: Int64 = 0
        var signed: Int64 = 0
        for position in 0..<blockSize {
            let value: UInt8 = (148..<156).contains(position) ? 32 : block[start + position]
            unsigned += Int64(value)
            signed += Int64(Int8(bitPattern: value))
        }
        // Some old programs summed up signed characters.
        return stated == unsigned || stated == signed
    }

    /// A field of a header: octal digits, or a binary number with the first bit set.
    static func number(_ field: some BidirectionalCollection<UInt8>) -> Int64? {
        guard let first = field.first else { return nil }
        if first & 0x80 != 0 {
            var value: Int64 = (first & 0x40 == 0 ? 0 : -64) + Int64(first & 0x3f)
            for byte in field.dropFirst() {
                guard (-(1 << 54)..<1 << 54).contains(value) else { return nil }
                value = value << 8 | Int64(byte)
            }
            return value
        }
        var value: Int64 = 0
        var digits = field.drop(while: { $0 == 32 || $0 == 0 }).prefix { $0 != 0 }
        while digits.last == 32 { digits = digits.dropLast() }
        for byte in digits {
            guard (48...55).contains(byte), value < 1 << 54 else { return nil }
            value = value << 3 | Int64(byte - 48)
        }
        return value
    }
}
