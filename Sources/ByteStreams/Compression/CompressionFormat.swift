/// How a stream is packed.
package enum CompressionFormat: String, Sendable, CaseIterable {
    case none
    case gzip
    case zstd
    case xz
    case bzip2

    /// Told from the first six bytes.
    package static func sniff(_ bytes: some Collection<UInt8>) -> CompressionFormat {
        let magics: [(CompressionFormat, [UInt8])] = [
            (.gzip, [0x1f, 0x8b, 0x08]), (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
            (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), (.bzip2, [0x42, 0x5a, 0x68]),
        ]
        return magics.first { bytes.starts(with: $0.1) }?.0 ?? .none
    }
}
