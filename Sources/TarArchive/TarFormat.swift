/// The pieces of a tar that is written: ustar, without anything that differs from run to run.
package enum TarFormat {
    package static let blockSize = 512
    /// What ends an archive: without it, readers know that something is missing.
    package static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    /// The zeros up to the next block.
    package static func padding(after size: Int64) -> [UInt8] {
        [UInt8](repeating: 0, count: Int((Int64(blockSize) - size % Int64(blockSize)) % Int64(blockSize)))
    }

    /// Bytes that a member of so many takes, less its header.
    package static func padded(_ size: Int64) -> Int64 {
        let (sum, overflow) = size.addingReportingOverflow(Int64(blockSize) - 1)
        return overflow ? .max : sum / Int64(blockSize) * Int64(blockSize)
    }

    /// The header of a member: one block, or three where the path needs GNU's entry for long names.
    package static func header(path: String, size: Int64, isDirectory: Bool) -> [UInt8] {
        let name = Array(path.utf8)
        guard name.count > 100 else {
            return block(name: name, size: size, type: isDirectory ? UInt8(ascii: "5") : UInt8(ascii: "0"))
        }
        let long = name + [0]
        return block(name: Array("././@LongLink".utf8), size: Int64(long.count), type: UInt8(ascii: "L"))
            + long + padding(after: Int64(long.count))
            + block(
                name: Array(name.prefix(100)), size: size, type: isDirectory ? UInt8(ascii: "5") : UInt8(ascii: "0"))
    }

    private static func block(name: [UInt8], size: Int64, type: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockSize)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            block.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        }
        func octal(_ value: Int64, digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
        }
        put(name, at: 0)
        put(octal(type == UInt8(ascii: "5") ? 0o755 : 0o444, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        if size < 8 << 30 {
            put(octal(size, digits: 11), at: 124)
        } else {
            // GNU's binary form, for what eleven octal digits cannot say.
            put([0x80, 0, 0, 0], at: 124)
            put((0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) }, at: 128)
        }
        put(octal(0, digits: 11), at: 136)
        put(Array("        ".utf8), at: 148)
        block[156] = type
        put(Array("ustar\0".utf8) + Array("00".utf8), at: 257)
        put(octal(block.reduce(0) { $0 + Int64($1) }, digits: 6) + [0, 32], at: 148)
        return block
    }
}
