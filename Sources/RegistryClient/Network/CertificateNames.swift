import NIOCore

/// The names in an X.509 certificate that messages show. What is not understood of it is left out.
///
/// Source: RFC 5280, section 4.1.
struct CertificateNames {
    private(set) var issuer = ""
    private(set) var isSelfSigned = false
    /// DNS names and addresses that it is for.
    private(set) var hosts: [String] = []

    /// - Returns: nil for what is no certificate.
    init?(der bytes: [UInt8]) {
        guard let certificate = DERValue.all(in: bytes[...]).first,
            var fields = certificate.children.first?.children, fields.count > 5
        else { return nil }
        if fields[0].tag == 0xa0 { fields.removeFirst() }
        // serialNumber, signature, issuer, validity, subject
        guard fields.count > 4 else { return nil }
        issuer = Self.text(of: fields[2])
        isSelfSigned = fields[2].content == fields[4].content
        let extensions = fields.first { $0.tag == 0xa3 }?.children.first?.children ?? []
        let subjectAltName: [UInt8] = [0x55, 0x1d, 0x11]
        for field in extensions.map(\.children) where field.first?.content.elementsEqual(subjectAltName) == true {
            let names = field.last.flatMap { DERValue.all(in: $0.content).first }?.children ?? []
            hosts += names.compactMap(Self.host)
        }
    }

    private static func host(_ name: DERValue) -> String? {
        switch name.tag {
        case 0x82: String(decoding: name.content, as: UTF8.self)
        case 0x87: try? SocketAddress(packedIPAddress: ByteBuffer(bytes: name.content), port: 0).ipAddress
        default: nil
        }
    }

    /// `O=Example, CN=Root`
    private static func text(of name: DERValue) -> String {
        let kinds: [[UInt8]: String] = [
            [0x55, 4, 3]: "CN", [0x55, 4, 6]: "C", [0x55, 4, 10]: "O", [0x55, 4, 11]: "OU",
        ]
        let attributes = name.children.flatMap(\.children).map(\.children)
        return attributes.compactMap { pair -> String? in
            guard pair.count == 2, let kind = kinds[Array(pair[0].content)] else { return nil }
            return "\(kind)=\(String(decoding: pair[1].content, as: UTF8.self))"
        }.joined(separator: ", ")
    }
}

/// A value in DER. Source: X.690.
private struct DERValue {
    var tag: UInt8
    var content: ArraySlice<UInt8>

    /// The values in this one.
    var children: [DERValue] { Self.all(in: content) }

    /// The values that follow each other, up to one that is cut off.
    static func all(in bytes: ArraySlice<UInt8>) -> [DERValue] {
        var values: [DERValue] = []
        var rest = bytes
        while let tag = rest.popFirst(), var length = rest.popFirst().map({ Int($0) }) {
            if length >= 0x80 {
                let count = length & 0x7f
                guard (1...3).contains(count), rest.count >= count else { break }
                length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(count)
            }
            guard length <= rest.count else { break }
            values.append(DERValue(tag: tag, content: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return values
    }
}
