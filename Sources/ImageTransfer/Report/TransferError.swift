import ImageModel

/// Why something could not be moved, in the terms of what to do about it. The message says what was tried,
/// on what, what was found and what helps.
package enum TransferError: Error, Equatable, CustomStringConvertible {
    /// What was read is not what it claims to be.
    case damaged(String)
    /// What was read holds no images: it is something else than an archive, a layout or a store.
    case foreign(ForeignContent)
    case notFound(String)
    /// The image is whole, and not for the platforms that were asked for.
    case otherPlatform(String)
    /// A combination that cannot be, or that was asked to be refused.
    case refused(String)

    /// A disk that would be full before the end.
    ///
    /// - Parameters:
    ///   - place: a directory, or what lies in one.
    ///   - needed: bytes.
    ///   - orElse: what helps as well.
    package static func noRoom(in place: String, free: Int64, needed: Int64, orElse: String = "") -> TransferError {
        .refused(
            "\(place): not enough room: \(ByteCount(needed)) needed, \(ByteCount(free)) free; make room first\(orElse)")
    }

    package var description: String {
        switch self {
        case .damaged(let text), .notFound(let text), .otherPlatform(let text), .refused(let text): text
        case .foreign(let content): content.description
        }
    }
}
