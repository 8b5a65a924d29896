public import ImageModel

/// A destination in which what is missing or damaged can be put right, file by file where that is what it takes.
public protocol MendablePlace: ImageDestination {
    /// Writes a file that is no blob: a link, or a list of images.
    ///
    /// - Parameters:
    ///   - path: below the place.
    ///   - target: what has to be there before; nil if nothing has.
    /// - Throws: `TransferError.refused` where it is not done so.
    func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws
    /// Where what was replaced is kept; nil if it is not, or nothing was.
    func keptReplaced() throws -> String?
}

extension MendablePlace {
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        throw TransferError.refused("\(title): \(path) cannot be written from here")
    }

    public func keptReplaced() throws -> String? { nil }
}
