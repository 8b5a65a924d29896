import AsyncHTTPClient
import ImageModel
import NIOCore
import NIOHTTP1

/// An answer that does not keep to the protocol.
struct GarbledAnswer: Error {
    let problem: String
}

/// The answer to a request: status, headers, and a body that arrives.
struct Answer: Sendable {
    /// The largest document: a page of 1,000 keys.
    static let documentLimit = 8 << 20

    let status: Int
    let headers: HTTPHeaders
    let body: HTTPClientResponse.Body
    /// Whether an earlier try failed without an answer: the server may have done its work then.
    let isRepeated: Bool
    /// Whether there is no body whatever the headers announce, as for HEAD.
    let isBodiless: Bool

    /// The announced length of the body in bytes.
    var length: Int64? {
        guard let text = headers.first(name: "content-length"), let length = Int64(text), length >= 0 else {
            return nil
        }
        return length
    }

    /// Reads a small body.
    ///
    /// - Throws: `GarbledAnswer` for more than `limit` bytes; `TruncatedAnswer`.
    func bytes(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let length = isBodiless ? 0 : length
        if let length, length > limit {
            throw GarbledAnswer(problem: "the answer is larger than \(ByteCount(Int64(limit)))")
        }
        for try await piece in body {
            guard bytes.count + piece.readableBytes <= limit else {
                throw GarbledAnswer(problem: "the answer is larger than \(ByteCount(Int64(limit)))")
            }
            bytes.append(contentsOf: piece.readableBytesView)
        }
        if let length, Int64(bytes.count) < length { throw TruncatedAnswer() }
        return bytes
    }

    /// Reads a document.
    ///
    /// - Parameter root: the expected name of its root element.
    /// - Throws: `StorageRefusal` where it is an `<Error>`, whatever the status says; `GarbledAnswer`.
    func document(_ root: String, limit: Int = documentLimit) async throws -> XMLNode {
        let node: XMLNode
        do {
            node = try XMLReader.read(try await bytes(limit: limit))
        } catch let problem as XMLProblem {
            throw GarbledAnswer(problem: "invalid XML: \(problem)")
        }
        guard node.name != "Error" else {
            // A status of 200 was sent before the server began its work.
            throw StorageRefusal(status: status, headers: headers, document: node)
        }
        guard node.name == root else {
            throw GarbledAnswer(problem: "unexpected XML: expected \(root), found \(node.name.prefix(40))")
        }
        return node
    }

    /// Reads the body of a refusal.
    func refusal() async throws -> StorageRefusal {
        let bytes = try await bytes(limit: 64 << 10)
        return StorageRefusal(status: status, headers: headers, document: try? XMLReader.read(bytes))
    }

    /// Reads a body that says nothing, so that the connection can be used again.
    func finish() async throws { _ = try await bytes(limit: 1 << 20) }

    /// The ETag without its quotes.
    var etag: String? {
        headers.first(name: "etag").flatMap { ETag.clean($0) }
    }
}

/// Entity tags.
enum ETag {
    /// Without quotes, as servers differ in whether they send and accept them; nil for an empty or a very long one.
    static func clean(_ text: String) -> String? {
        var text = text[...]
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
        guard !text.isEmpty, text.utf8.count <= 256, text.utf8.allSatisfy({ $0 >= 32 && $0 < 127 && $0 != 34 }) else {
            return nil
        }
        return String(text)
    }
}
