import ImageModel

/// One image that the destination has already, under its name and with its referrers.
struct SettledImage: Sendable {
    /// As it is reported.
    var entry: CopyReport.Image
    /// Where it is in the source.
    var reference: String
    var referrers: [Descriptor]
}

/// All images of a copy, in order, checked against each other.
struct CopyPlan: Sendable {
    private enum Item {
        case planned(ImagePlan)
        /// Nothing is to be moved.
        indirect case settled(SettledImage)
        /// Another image has its name.
        indirect case passedOver(CopyReport.Image)
        /// It is among the failures.
        indirect case refused(CopyReport.Image)

        /// What is reported of it if nothing is done.
        var entry: CopyReport.Image {
            switch self {
            case .planned(let image): image.entry
            case .settled(let image): image.entry
            case .passedOver(let entry), .refused(let entry): entry
            }
        }

        /// The reference that it is taken from.
        var source: String {
            switch self {
            case .planned(let image): image.source.retryReference(to: image.image)
            case .settled(let image): image.reference
            case .passedOver(let entry), .refused(let entry): entry.source
            }
        }

        /// For messages.
        var title: String {
            let title = if case .planned(let image) = self { image.image.title } else { entry.name.description }
            return "\(title) of \(entry.source)"
        }
    }

    /// What to do if another image has the name.
    private let onClash: CopyOptions.OnExisting
    private let options: OptionNames
    private var items: [Item] = []
    var failures: [CopyReport.Failure]
    /// Whether a failure was reported that ends the copy.
    var isGivenUp = false
    /// Who has what, by the positions of the items.
    private var claims: [Place: Int] = [:]

    /// What only one image can have.
    private struct Place: Hashable {
        var name: ImageName
        /// Of an image that goes by that.
        var digest: Digest?

        init(_ name: ImageName, _ digest: Digest) {
            self.name = name
            self.digest = name.tag == nil ? digest : nil
        }
    }

    init(_ options: CopyOptions, failures: [CopyReport.Failure] = []) {
        onClash = options.onClash
        self.options = options.names
        self.failures = failures
    }

    var images: [ImagePlan] {
        items.compactMap { if case .planned(let image) = $0 { image } else { nil } }
    }

    var settled: [SettledImage] {
        items.compactMap { if case .settled(let image) = $0 { image } else { nil } }
    }

    /// What the report says of images that the destination has already, or is not to get.
    var idleEntries: [CopyReport.Image] {
        items.compactMap { item in
            switch item {
            case .settled(let image): image.entry
            case .passedOver(let entry): entry
            case .planned, .refused: nil
            }
        }
    }

    var count: Int { items.count }

    /// - Throws: `ImageError.refused`; the other image is among the failures then.
    mutating func add(_ image: ImagePlan) throws { try add(.planned(image)) }

    /// Takes in what the destination has.
    mutating func add(_ image: SettledImage) throws { try add(.settled(image)) }

    private mutating func add(_ item: Item) throws {
        let entry = item.entry
        let place = Place(entry.name, entry.previousDigest)
        guard let position = claims[place] else {
            claims[place] = items.count
            items.append(item)
            return
        }
        let other = items[position]
        let (digest, otherDigest) = (entry.previousDigest, other.entry.previousDigest)
        guard otherDigest != digest else { return }
        switch onClash {
        case .skip: items.append(.passedOver(Self.skipped(entry)))
        case .overwrite:
            items[position] = .passedOver(Self.skipped(other.entry))
            claims[place] = items.count
            items.append(item)
        case .error:
            let error = ImageError.refused(
                "two different images would be called \(entry.name): \(other.title) (\(otherDigest.short)) and "
                    + "\(item.title) (\(digest.short))"
                    + options.advice(\.prefix) { "copy them separately, each with its own \($0)" }
                    + options.advice(\.onExisting) { "or choose with \($0): skip keeps the first, overwrite the last" })
            if case .refused = other { throw error }
            items[position] = .refused(other.entry)
            failures.append(
                CopyReport.Failure(
                    source: other.source, name: entry.name.description, digest: otherDigest,
                    rule: other.entry.rule, error: error))
            throw error
        }
    }

    /// What the report says of an image whose name another one has.
    private static func skipped(_ entry: CopyReport.Image) -> CopyReport.Image {
        var entry = entry
        entry.outcome = .skipped
        entry.bytesSkipped = 0
        return entry
    }
}
