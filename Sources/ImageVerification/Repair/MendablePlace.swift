package import ImageModel
package import ImageTransfer

/// A destination in which what is missing or damaged can be put right, file by file where that is what it takes.
///
/// Others may write there meanwhile: what has become whole since it was looked at is left as it is.
package protocol MendablePlace: ImageDestination {
    /// Writes a file that is no blob, a link or a list of images, where there is none or a broken one.
    ///
    /// - Parameters:
    ///   - path: below the place.
    ///   - target: what has to be there before; nil if nothing has.
    /// - Throws: `ImageError.refused` where it is not done so.
    func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws
    /// Whether a list that lies at that path elsewhere can be this place's: something that it leads to lies here, sound
    /// or not.
    ///
    /// - Parameter read: gives a manifest that the list leads to, from where the list lies; nil if it is not there.
    func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool
    /// Gives a broken tag a meaning. The manifest is there.
    func mend(_ name: ImageName, to descriptor: Descriptor) async throws
    /// Where what was replaced is kept; nil if it is not, or nothing was.
    func keptReplaced() throws -> String?
}

extension MendablePlace {
    package func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        throw ImageError.refused("\(title): \(path) cannot be written from here")
    }

    package func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool { false }

    /// Tags that can be broken are those of a store and of a registry.
    package func mend(_ name: ImageName, to descriptor: Descriptor) async throws {
        throw ImageError.refused("\(title): \(name) cannot be set from here")
    }

    package func keptReplaced() throws -> String? { nil }
}
