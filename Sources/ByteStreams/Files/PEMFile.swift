import ImageModel

/// Certificates and keys as text.
package enum PEMFile {
    /// - Parameter limit: bytes.
    /// - Returns: the text; nil if there is no file.
    /// - Throws: `ImageError`; `.damaged`, with what to do, for the binary forms of certificates and keys.
    package static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        guard let bytes = try readFile(path, limit: limit) else { return nil }
        if let form = BinaryForm(bytes) {
            throw ImageError.damaged("\(path): not PEM (\(form.title)); convert it: \(form.conversion(of: path))")
        }
        return try TextFile.decoded(bytes, name: path)
    }

    /// What a file in ASN.1's binary encoding (DER) is. Sources: X.690, 8.1; RFC 7292, section 4; RFC 5958, section 2.
    private enum BinaryForm {
        case bundle, certificate, key

        /// nil for text.
        init?(_ bytes: [UInt8]) {
            // A sequence whose length takes more than a byte, or comes at its end.
            guard bytes.count > 8, bytes[0] == 0x30, bytes[1] >= 0x80 else { return nil }
            let content = bytes.dropFirst(2 + Int(bytes[1] & 0x7f)).prefix(3)
            switch Array(content) {
            case [0x02, 0x01, 0x03]: self = .bundle
            case [0x02, 0x01, 0x00], [0x02, 0x01, 0x01]: self = .key
            default: self = .certificate
            }
        }

        var title: String { self == .bundle ? "a PKCS#12 file" : "a DER file" }

        func conversion(of path: String) -> String {
            switch self {
            case .bundle: "openssl pkcs12 -nodes -in \(path) -out \(path).pem"
            case .certificate: "openssl x509 -inform der -in \(path) -out \(path).pem"
            case .key: "openssl pkey -inform der -in \(path) -out \(path).pem"
            }
        }
    }
}
