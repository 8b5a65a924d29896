import ByteStreams
import ImageModel
import ImageTransfer
import NIOHTTP1

/// Codings of a body on its way: RFC 9110, section 8.4. None is asked for, and some proxies apply one all the same.
enum ContentCoding {
    /// Names that say nothing of the bytes. S3 keeps `aws-chunked` of an upload for the downloads, which are as they were.
    private static let plain: Set<String> = ["", "identity", "none", "binary", "utf-8", "aws-chunked"]

    /// 8 MiB. Source: RFC 9659, section 3.
    private static let zstdWindowLogLimit: Int32 = 23

    /// - Returns: nil if the body travels as it is.
    static func named(in headers: HTTPHeaders) -> String? {
        let names = headers[canonicalForm: "content-encoding"].map { $0.lowercased() }.filter { !plain.contains($0) }
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }

    /// A blob of unknown size. Storage may report a layer's own compression as Content-Encoding, and then the body is the
    /// blob as it is; a document, such as a config, was encoded on its way.
    static func decodedDocument(_ body: any ByteSource, _ coding: String, name: String) throws -> any ByteSource {
        let body = PeekingSource(body)
        let start = try body.peek(1024)
        var first: UInt8 = 0
        let count = try? withUnsafeMutableBytes(of: &first) { byte in
            try decoded(BytesSource(start), coding, name: name).read(into: byte)
        }
        return count == 1 && first == UInt8(ascii: "{") ? try decoded(body, coding, name: name) : body
    }

    /// - Throws: `ImageError.refused` for a coding that cannot be read.
    static func decoded(_ body: any ByteSource, _ coding: String, name: String) throws -> any ByteSource {
        let body = PeekingSource(body)
        let start = try body.peek(4)
        // An empty body has no coding, and some proxies take it off and leave the header.
        guard !start.isEmpty else { return body }
        let format = CompressionFormat.sniff(start)
        switch coding {
        case "gzip", "x-gzip": return format == .gzip ? try InflatingSource(body, format: .gzip, name: name) : body
        case "zstd":
            guard format == .zstd else { return body }
            return InflatingSource(body, inflater: ZstdInflater(windowLogLimit: zstdWindowLogLimit), name: name)
        case "deflate":
            return InflatingSource(body, inflater: ZlibInflater(deflate: Array(start.prefix(2))), name: name)
        default:
            throw ImageError.refused(
                "\(name): unsupported Content-Encoding '\(coding)', not requested; check any proxy in front of "
                    + "the registry")
        }
    }
}
