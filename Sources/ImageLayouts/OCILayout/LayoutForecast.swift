import ImageModel
package import ImageTransfer

/// The size that an `index.json` is going to have, at most: what nobody could read afterwards is refused before anything
/// is written.
package struct LayoutForecast {
    private var entries: Int
    private var bytes: Int

    /// - Parameters:
    ///   - entries: that are listed already.
    ///   - bytes: of these.
    package init(entries: Int = 0, bytes: Int = 0) {
        self.entries = entries
        self.bytes = bytes
    }

    /// Adds an image, of whose manifests each may be listed.
    package mutating func add(_ image: AnnouncedImage) {
        entries += image.manifests.count
        // Keys, the longest digest twice, a media type; and the name in each of its forms.
        bytes += image.manifests.count * (640 + 3 * (image.name.description.utf8.count + 32))
    }

    /// - Parameter title: of the layout.
    /// - Throws: `ImageError.refused`.
    package func check(_ title: String) throws {
        guard entries > Document.entryLimit || bytes > Document.listSizeLimit else { return }
        throw ImageError.refused(
            "\(title): \(OCIPaths.index) would have \(entries) entries and about \(bytes >> 20) MiB, more than the "
                + "\(Document.entryLimit) entries or \(Document.listSizeLimit >> 20) MiB that are read; "
                + "copy fewer images into it")
    }
}
