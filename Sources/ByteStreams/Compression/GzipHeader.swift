import CZlib

/// Passes over the header of a gzip member, in however small pieces it comes. Source: RFC 1952, 2.3.
///
/// ISA-L's own reading of headers loses its place when optional fields are cut in two.
struct GzipHeader {
    private enum Field {
        case fixed(remaining: Int)
        case extraLength(low: UInt8?)
        case extra(remaining: Int)
        case name
        case comment
        case checksum(low: UInt8?)
        case done
    }

    private static let magic: [UInt8] = [0x1f, 0x8b, 8]
    private var field = Field.fixed(remaining: 10)
    private var flags: UInt8 = 0
    /// Of all bytes up to the header's own checksum.
    private var checksum = crc32(0, nil, 0)

    var isComplete: Bool { if case .done = field { true } else { false } }

    /// - Returns: how many of the bytes belong to the header.
    mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(InflaterError) -> Int {
        var count = 0
        while count < bytes.count, !isComplete {
            try take(bytes[count], at: count)
            count += 1
        }
        return count
    }

    private mutating func take(_ byte: UInt8, at offset: Int) throws(InflaterError) {
        if case .checksum = field {} else { checksum = withUnsafePointer(to: byte) { crc32(checksum, $0, 1) } }
        switch field {
        case .fixed(let remaining):
            let position = 10 - remaining
            if position < 3, byte != Self.magic[position] {
                throw InflaterError(reason: "no gzip header", consumed: offset)
            }
            if position == 3 {
                guard byte & 0xe0 == 0 else { throw InflaterError(reason: "invalid gzip header", consumed: offset) }
                flags = byte
            }
            field = remaining > 1 ? .fixed(remaining: remaining - 1) : after(0)
        case .extraLength(nil): field = .extraLength(low: byte)
        case .extraLength(.some(let low)):
            let length = Int(byte) << 8 | Int(low)
            field = length > 0 ? .extra(remaining: length) : after(1)
        case .extra(let remaining): field = remaining > 1 ? .extra(remaining: remaining - 1) : after(1)
        case .name: if byte == 0 { field = after(2) }
        case .comment: if byte == 0 { field = after(3) }
        case .checksum(nil): field = .checksum(low: byte)
        case .checksum(.some(let low)):
            guard UInt(low) | UInt(byte) << 8 == checksum & 0xffff else {
                throw InflaterError(reason: "the header's checksum differs", consumed: offset)
            }
            field = .done
        case .done: break
        }
    }

    /// The next field that the flags announce, `done` fields in.
    private func after(_ done: Int) -> Field {
        if done < 1, flags & 4 != 0 { return .extraLength(low: nil) }
        if done < 2, flags & 8 != 0 { return .name }
        if done < 3, flags & 16 != 0 { return .comment }
        if flags & 2 != 0 { return .checksum(low: nil) }
        return .done
    }
}
