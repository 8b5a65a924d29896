package import ByteStreams
import ImageModel

/// Follows a layer's tar from header to header, as those do who unpack it (Go's `archive/tar`): whatever names,
/// links and kinds of files there are, nothing may be cut off or garbled.
///
/// `TarReader` is for archives of images, and refuses what a layer may well have.
package struct TarCheck {
    private let source: any ByteSource
    private let name: String
    private var offset: Int64 = 0
    /// Of the next member, from the headers before it.
    private var records: PaxRecords?
    private var longName: [UInt8]?

    private static let block = 512
    /// Mode, owner, group and time.
    private static let numbers = [100..<108, 108..<116, 116..<124, 136..<148]
    /// Bytes of a header for the next member.
    private static let specialLimit: Int64 = 1 << 20

    /// Reads to the end of `source`.
    ///
    /// - Parameter name: of the layer, for the message.
    /// - Throws: `ImageError.damaged` where the tar breaks off or makes no sense.
    package static func run(_ source: any ByteSource, name: String) throws {
        var check = TarCheck(source: source, name: name)
        let header = UnsafeMutableRawBufferPointer.allocate(byteCount: block, alignment: 16)
        defer { header.deallocate() }
        while try check.member(header) {}
        _ = try source.drain()
    }

    private init(source: any ByteSource, name: String) {
        self.source = source
        self.name = name
    }

    private func damage(_ what: String) -> ImageError {
        .damaged("\(name): its tar \(what) at byte \(offset)")
    }

    /// - Returns: false at the end.
    private mutating func member(_ header: UnsafeMutableRawBufferPointer) throws -> Bool {
        let count = try source.fill(header)
        if count == 0 { return false }
        guard count == Self.block else { throw damage("breaks off inside of a header") }
        if header.allSatisfy({ $0 == 0 }) {
            offset += Int64(Self.block)
            // One block of zeros where nothing follows, or two: what follows those is nobody's.
            let second = try source.fill(header)
            guard second == 0 || second == Self.block && header.allSatisfy({ $0 == 0 }) else {
                throw damage("has an end that is cut off or something else")
            }
            return false
        }
        guard TarFormat.isHeader(header), Self.numbers.allSatisfy({ TarFormat.number(header[$0]) != nil }) else {
            throw damage("has no sound header")
        }
        offset += Int64(Self.block)
        guard let stated = TarFormat.number(header[124..<136]) else { throw damage("has a member without a size") }
        switch header[156] {
        case UInt8(ascii: "x"): records = try records(stated)
        case UInt8(ascii: "L"): longName = try special(stated)
        case UInt8(ascii: "K"): _ = try special(stated)
        case UInt8(ascii: "g"):
            _ = try records(stated)
            (records, longName) = (nil, nil)
        default:
            guard records?.hasSoundNumbers ?? true else { throw damage("has a garbled pax header") }
            try content(of: header, records?.size ?? stated)
            (records, longName) = (nil, nil)
        }
        return true
    }

    /// Passes over what a member has.
    ///
    /// - Parameter size: bytes, as stated.
    private mutating func content(of header: UnsafeMutableRawBufferPointer, _ size: Int64) throws {
        switch header[156] {
        // Links, devices, directories and pipes have no content, whatever is stated.
        case UInt8(ascii: "1")...UInt8(ascii: "6"): return
        // A directory, before there was a type for it.
        case 0 where name(header).last == UInt8(ascii: "/"): return
        case UInt8(ascii: "S"):
            var isExtended = header[482] != 0
            while isExtended {
                guard try source.fill(header) == Self.block else { throw damage("breaks off in a sparse file's map") }
                offset += Int64(Self.block)
                isExtended = header[504] != 0
            }
        default: break
        }
        try skip(size)
    }

    private func name(_ header: UnsafeMutableRawBufferPointer) -> [UInt8] {
        func text(_ field: [UInt8]) -> [UInt8] { Array(field.prefix { $0 != 0 }) }
        let long = text(longName ?? [])
        return long.isEmpty ? text(records?.path ?? Array(header[..<100])) : long
    }

    private mutating func skip(_ bytes: Int64) throws {
        guard bytes >= 0, bytes < Int64.max - Int64(Self.block) else { throw damage("has a member of \(bytes) bytes") }
        let padded = (bytes + 511) / 512 * 512
        var rest = padded
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(min(max(padded, 1), 256 << 10)), alignment: 64)
        defer { buffer.deallocate() }
        while rest > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(rest, Int64(buffer.count)))])
            let got = try source.read(into: piece)
            guard got > 0 else {
                // Go takes a last member without its padding.
                if padded - rest >= bytes { break }
                offset += padded - rest
                throw damage("breaks off inside of a member, \(bytes - (padded - rest)) bytes too early,")
            }
            rest -= Int64(got)
        }
        offset += padded
    }

    /// What a header for the next member holds.
    private mutating func special(_ bytes: Int64) throws -> [UInt8] {
        guard (0...Self.specialLimit).contains(bytes) else {
            throw damage("has a header of \(bytes) bytes (programs read \(Self.specialLimit) at most)")
        }
        var content = [UInt8](repeating: 0, count: Int((bytes + 511) / 512 * 512))
        let count = try content.withUnsafeMutableBytes { try source.fill($0) }
        guard count == content.count else { throw damage("breaks off inside of a header") }
        offset += Int64(content.count)
        return Array(content.prefix(Int(bytes)))
    }

    private mutating func records(_ bytes: Int64) throws -> PaxRecords {
        guard let records = PaxRecords(try special(bytes)) else { throw damage("has a garbled pax header") }
        return records
    }
}
