package import ImageModel

/// A file or directory that was taken for images, and holds none: what it is instead, and what to do about it.
package struct ForeignContent: Error, Equatable, CustomStringConvertible {
    /// The file or directory.
    package var place: String
    /// A noun phrase: `an HTML page`.
    package var kind: String
    /// The next step, with the command that helps.
    package var advice: String
    /// Whether it can be read, but not as what it was taken for.
    package var isReadable: Bool

    package init(_ place: String, kind: String, advice: String, isReadable: Bool = false) {
        self.place = place
        self.kind = kind
        self.advice = advice
        self.isReadable = isReadable
    }

    package var description: String {
        isReadable
            ? "\(place): \(kind); \(advice)" : "\(place): not an image archive, layout or store (\(kind)); \(advice)"
    }
}

extension ImageError {
    /// A file or directory that holds no images.
    package static func foreign(_ content: ForeignContent) -> ImageError { ImageError(.foreign, cause: content) }

    /// A disk that would be full before the end.
    ///
    /// - Parameters:
    ///   - place: a directory, or a file in it.
    ///   - needed: bytes.
    ///   - orElse: another next step.
    package static func noRoom(in place: String, free: Int64, needed: Int64, orElse: String = "") -> ImageError {
        .refused(
            "\(place): not enough room: \(ByteCount(needed)) needed, \(ByteCount(free)) free; make room first\(orElse)")
    }
}
