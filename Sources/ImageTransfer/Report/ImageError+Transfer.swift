package import ImageModel

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
