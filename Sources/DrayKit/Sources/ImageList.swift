import ByteStreams

/// A plain list of images, as a file: one reference on a line, `#` begins a comment.
///
/// What has no transport and is no path that is there is an image of a registry, as such lists have them:
/// `alpine:3.19`, `registry.k8s.io/pause:3.9`.
package struct ImageList: Sendable {
    package struct Line: Sendable {
        package var number: Int
        package var reference: ImageReference
    }

    package var lines: [Line] = []
    /// What is there, but is no source, and why.
    package var unreadable: [(text: String, error: any Error)] = []

    /// Bytes that a list may have.
    private static let sizeLimit = 16 << 20

    /// Blocks.
    ///
    /// - Parameters:
    ///   - path: of a file or a pipe; `-` for standard input.
    ///   - read: makes a reference of a text that has a transport or is a path.
    /// - Throws: `ImageError` that names the line.
    package static func read(
        path: String, _ read: (String) throws -> ImageReference
    ) throws -> ImageList {
        let name = path == "-" ? "standard input" : path
        guard let bytes = try bytes(path, name: name) else {
            throw ImageError.usage("\(path): no such file; name one with an image on each line")
        }
        return try ImageList(String(decoding: bytes, as: UTF8.self), name: name, read)
    }

    private static func bytes(_ path: String, name: String) throws -> [UInt8]? {
        do {
            if path == "-" {
                return try TextFile.read(DescriptorSource.standardInput(), limit: sizeLimit, name: name)
            }
            guard try fileKind(path) == .other else { return try TextFile.read(path, limit: sizeLimit) }
            return try TextFile.read(DescriptorSource(reading: path), limit: sizeLimit, name: name)
        } catch let error as ImageError where error.code == .damaged {
            throw ImageError.usage(error.description)
        }
    }

    /// - Parameter name: of the file, for messages.
    package init(_ text: String, name: String, _ read: (String) throws -> ImageReference) throws {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).prefix { !$0.hasPrefix("#") }
            guard let word = words.first else { continue }
            guard words.count == 1 else {
                throw ImageError.usage(
                    "\(name):\(index + 1): there is more than one word on the line: write one image on each, and comments "
                        + "after '#'")
            }
            do {
                lines.append(Line(number: index + 1, reference: try Self.reference(String(word), read)))
            } catch let error as ImageError where error.code == .usage {
                throw ImageError.usage("\(name):\(index + 1): \(error)")
            } catch let error as ImageError where error.code == .foreign {
                guard var content = error.cause as? ForeignContent else { throw error }
                content.place = "\(name):\(index + 1): \(content.place)"
                unreadable.append((String(word), ImageError.foreign(content)))
            } catch {
                unreadable.append((String(word), error))
            }
        }
        guard !lines.isEmpty || !unreadable.isEmpty else {
            throw ImageError.usage("\(name): names no image: write one on each line")
        }
    }

    private static func reference(_ text: String, _ read: (String) throws -> ImageReference) throws -> ImageReference {
        let hasTransport =
            text.contains("://") || ImageReference.Transport.allCases.contains { text.hasPrefix($0.prefix) }
        let isThere = try hasTransport || fileKind(text) != nil
        return try read(isThere ? text : ImageReference.Transport.registry.prefix + text)
    }
}
