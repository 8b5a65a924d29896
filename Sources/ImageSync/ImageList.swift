import ByteStreams
public import ImageModel

/// A plain list of images, as a file: one reference on a line, `#` begins a comment.
///
/// What has no transport and is no path that is there is an image of a registry, as such lists have them:
/// `alpine:3.19`, `registry.k8s.io/pause:3.9`.
public struct ImageList: Sendable {
    public struct Line: Sendable {
        public var number: Int
        public var reference: ImageReference
    }

    public var lines: [Line] = []

    /// Bytes that a list may have.
    private static let sizeLimit = 16 << 20

    /// Blocks.
    ///
    /// - Parameter read: makes a reference of a text that has a transport or is a path.
    /// - Throws: `ReferenceError` that names the line, `TransferError`, `StreamError`.
    public static func read(
        path: String, _ read: (String) throws -> ImageReference
    ) throws -> ImageList {
        guard let bytes = try readFile(path, limit: sizeLimit) else {
            throw ReferenceError("\(path): there is no such file: name one with an image on each line")
        }
        return try ImageList(String(decoding: bytes, as: UTF8.self), name: path, read)
    }

    /// - Parameter name: of the file, for messages.
    public init(_ text: String, name: String, _ read: (String) throws -> ImageReference) throws {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).prefix { !$0.hasPrefix("#") }
            guard let word = words.first else { continue }
            guard words.count == 1 else {
                throw ReferenceError(
                    "\(name):\(index + 1): there is more than one word on the line: write one image on each, and comments "
                        + "after '#'")
            }
            do {
                lines.append(Line(number: index + 1, reference: try Self.reference(String(word), read)))
            } catch let error as ReferenceError {
                throw ReferenceError("\(name):\(index + 1): \(error)")
            }
        }
        guard !lines.isEmpty else { throw ReferenceError("\(name): names no image: write one on each line") }
    }

    private static func reference(_ text: String, _ read: (String) throws -> ImageReference) throws -> ImageReference {
        let hasTransport = ImageReference.Transport.allCases.contains { text.hasPrefix($0.prefix) }
        let isThere = try hasTransport || fileKind(text) != nil
        return try read(isThere ? text : ImageReference.Transport.registry.prefix + text)
    }
}
