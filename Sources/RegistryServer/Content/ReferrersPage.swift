import ImageModel

/// A part of a list of referrers: as much of it as clients read as one document, whatever there is.
struct ReferrersPage: Sendable {
    let artifactType: String?
    private let last: String?
    private let most: Int
    /// Bytes of the document.
    private(set) var size = 256
    private(set) var shown: [Descriptor] = []
    /// Whether there was one that found no room.
    private(set) var hasMore = false

    /// - Parameters:
    ///   - artifactType: of all of them; nil for any.
    ///   - last: the one before the first, as text; it need not exist.
    ///   - most: how many.
    init(artifactType: String?, after last: String?, most: Int) {
        self.artifactType = artifactType
        self.last = last
        self.most = most
    }

    /// Whether it comes after those that were shown before.
    func reaches(_ digest: Digest) -> Bool { last.map { digest.description > $0 } ?? true }

    /// Adds one, unless it is not asked for. They have to come in the order of their digests.
    ///
    /// - Returns: false if there is no room for it: what follows need not be offered. The first always fits.
    mutating func add(_ descriptor: Descriptor) throws -> Bool {
        guard reaches(descriptor.digest), artifactType == nil || descriptor.artifactType == artifactType else {
            return true
        }
        size += try Document.encode(descriptor).count + 1
        guard shown.count < most, size <= Document.sizeLimit || shown.isEmpty else {
            hasMore = true
            return false
        }
        shown.append(descriptor)
        return true
    }

    /// Leaves the rest to another page. At least one has to be shown.
    mutating func end() { hasMore = true }

    mutating func add(_ descriptors: [Descriptor]) throws {
        for descriptor in descriptors.sorted(by: { $0.digest < $1.digest }) {
            guard try add(descriptor) else { return }
        }
    }
}
