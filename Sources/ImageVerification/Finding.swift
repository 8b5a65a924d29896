public import ImageModel

/// One thing that a verification has found: what is wrong, whom it hits, and what to do.
public struct Finding: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Blobs that lie in volumes of the set that are not here.
        case volumeMissing = "volume-missing"
        case blobMissing = "blob-missing"
        case blobDamaged = "blob-damaged"
        /// The bytes are the ones that were pushed, and they are no layer, or not the one that the config means.
        case layerDamaged = "layer-damaged"
        case manifestMissing = "manifest-missing"
        case manifestDamaged = "manifest-damaged"
        /// The content is there, and nothing lets the repository serve it.
        case linkMissing = "link-missing"
        case linkDamaged = "link-damaged"
        case tagDamaged = "tag-damaged"
        /// A document that says what the place holds: `index.json` and the like.
        case listDamaged = "list-damaged"
        case unreadable
        /// Nothing refers to it.
        case orphan
        case upload
        /// What a program that was ended, or a garbage collection, leaves behind.
        case leftover
        /// A file that has no business there.
        case foreign
        case permissions
        case peculiarity
        /// Blobs that a delta leaves out.
        case leftOut = "left-out"

        public var isDamage: Bool {
            switch self {
            case .orphan, .upload, .leftover, .foreign, .permissions, .peculiarity, .leftOut: false
            default: true
            }
        }
    }

    public var kind: Kind
    /// A digest, a name, or a path below the place.
    public var subject: String
    /// What is wrong with it, as the end of a sentence that the subject begins.
    public var problem: String
    /// Images that cannot be pulled, or not on all their platforms: at most `AffectedImages.limit` of them, sorted.
    public var affected: [AffectedImage]
    /// The number of all of them.
    public var affectedCount: Int
    /// What to do about it.
    public var advice: String
    public var remedy: Remedy?

    public init(
        _ kind: Kind, _ subject: String, _ problem: String, affected: AffectedImages = [], advice: String,
        remedy: Remedy? = nil
    ) {
        self.kind = kind
        self.subject = subject
        self.problem = problem
        self.affected = affected.images
        affectedCount = affected.count
        self.advice = advice
        self.remedy = remedy
    }

    public var isDamage: Bool { kind.isDamage }

    /// What is the same when the same is found again.
    struct Mark: Hashable {
        var kind: Kind
        var subject: String
    }

    var mark: Mark { Mark(kind: kind, subject: subject) }
}

/// Images that a finding hits. Many findings may hit many images: the first names are kept, and the number of all.
public struct AffectedImages: Sendable, ExpressibleByArrayLiteral {
    /// Names that are kept.
    public static let limit = 100

    public let images: [AffectedImage]
    public let count: Int

    /// - Parameter all: in any order.
    public init(_ all: [AffectedImage]) {
        images = all.count <= Self.limit ? all.sorted() : Array(all.sorted().prefix(Self.limit))
        count = all.count
    }

    public init(arrayLiteral images: AffectedImage...) { self.init(images) }
}

/// An image that cannot be pulled as it should be.
public struct AffectedImage: Hashable, Sendable, Comparable {
    /// `repository:tag`, `repository@digest`, or what the place calls it.
    public var name: String
    /// Those that are hit; empty for the whole image.
    public var platforms: [String]

    public init(_ name: String, platforms: [String] = []) {
        self.name = name
        self.platforms = platforms
    }

    public static func < (a: Self, b: Self) -> Bool { a.name < b.name }
}

/// What would mend a finding, where something can.
public enum Remedy: Hashable, Sendable {
    /// The blob's bytes.
    case blob(Descriptor, repository: String?)
    /// The manifest's bytes, and all that it needs and is not there.
    case manifest(Descriptor, repository: String?)
    /// What the tag means.
    ///
    /// - Parameter meant: by what is left of it; nil where only a source can tell.
    case tag(ImageName, meant: Digest?)
    /// A file below the place: a link, or a list of images.
    ///
    /// - Parameters:
    ///   - implied: what has to be in it; nil where only a source can tell.
    ///   - target: what a link leads to, which has to be there.
    case file(String, implied: [UInt8]?, target: Digest?)
}
