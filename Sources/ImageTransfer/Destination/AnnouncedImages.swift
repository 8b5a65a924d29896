package import ImageModel

/// An image that is going to be written: its final root, and every manifest below it.
package struct AnnouncedImage: Sendable {
    package var name: ImageName
    /// The root last.
    package var manifests: [Manifest]
    package var root: Descriptor
    /// The config that does not fit the image's layers, so that docker could not load it.
    package var unloadableConfig: Digest?
}

/// Everything that is going to be written, one image after the other: not all of it is in memory at a time.
package struct AnnouncedImages: Sendable {
    package let count: Int
    /// Gives the image at a position, and the same whenever it is asked.
    let image: @Sendable (Int) throws -> AnnouncedImage

    package func forEach(_ body: (AnnouncedImage) throws -> Void) throws {
        for position in 0..<count { try body(image(position)) }
    }
}
