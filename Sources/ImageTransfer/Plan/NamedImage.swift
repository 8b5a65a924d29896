package import ImageModel

/// An image, and what it is called where it is served.
package struct NamedImage: Sendable {
    package var source: any ImageSource
    package var image: SourceImage
    package var name: ImageName
    /// Why the name is not the source's own; nil if it is.
    package var remark: String?
}

extension ImageSource {
    /// Images under the names that a copy into a store would give them.
    ///
    /// - Throws: `ImageError.refused` for a name that no repository can have.
    package func named(_ images: [SourceImage]) throws -> [NamedImage] {
        var traits = DestinationTraits()
        traits.bareNameIsTag = false
        let naming = DestinationNaming(options: CopyOptions(), traits: traits, requestedName: nil)
        return try naming.assign([DestinationNaming.Group(CopySelection(source: self), images)])[0].get().map {
            NamedImage(source: self, image: $0.image, name: $0.name, remark: $0.remark)
        }
    }
}
