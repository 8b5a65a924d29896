import ImageModel
import NIOCore

/// A part of a list of referrers: as much of it as clients read as one document, whatever there is.
///
/// Entries are kept as text: a small annotation takes several times as much when it is decoded.
struct ReferrersPage: Sendable {
    /// What a client asks for.
    struct Request: Hashable, Sendable {
        /// Of all of them; nil for any.
        var artifactType: String?
        /// The one before the first, as text; it need not exist.
        var last: String?
        /// How many.
        var most: Int

        /// Whether it comes after those that were shown before.
        func reaches(_ digest: Digest) -> Bool { last.map { digest.description > $0 } ?? true }

        /// Whether a referrer is asked for.
        func wants(_ descriptor: Descriptor) -> Bool {
            reaches(descriptor.digest) && (artifactType == nil || descriptor.artifactType == artifactType)
        }
    }

    let request: Request
    /// Bytes of the document.
    var size: Int { document.readableBytes + Self.end.utf8.count }
    /// The index as `Document` encodes it, without its end until the page is finished. All requests that share a page
    /// share this, too.
    private(set) var document = ByteBuffer(string: "{\"manifests\":[")
    private var isFinished = false
    private static let end = "],\"mediaType\":\"\(MediaType.ociIndex.rawValue)\",\"schemaVersion\":2}\n"
    /// The last one that is shown.
    private(set) var last: Digest?
    private var count = 0
    /// Whether there was one that found no room.
    private(set) var hasMore = false
    /// The memory that the entries take, if they are many.
    var lease: FairShare.Lease?

    init(_ request: Request) { self.request = request }

    var isEmpty: Bool { count == 0 }

    /// Adds one that is asked for, encoded. They have to come in the order of their digests.
    ///
    /// - Returns: false if there is no room for it: what follows need not be offered. The first always fits.
    mutating func add(_ entry: [UInt8], of digest: Digest) -> Bool {
        guard count < request.most, size + entry.count < Document.sizeLimit || isEmpty else {
            hasMore = true
            return false
        }
        if !isEmpty { document.writeInteger(UInt8(ascii: ",")) }
        document.writeBytes(entry)
        count += 1
        last = digest
        return true
    }

    /// Leaves the rest to another page. At least one has to be shown.
    mutating func end() { hasMore = true }

    /// Ends the document: nothing is added any more.
    mutating func finish() {
        guard !isFinished else { return }
        document.writeString(Self.end)
        isFinished = true
    }
}

/// The referrers of a page, picked from a list in any order: no more of them are kept than it needs.
struct ReferrersChoice {
    private let request: ReferrersPage.Request
    private var entries: [Digest: [UInt8]] = [:]
    private var size = 0
    /// Those after this one are on a later page.
    private var end: Digest?

    init(_ request: ReferrersPage.Request) { self.request = request }

    mutating func add(_ descriptor: Descriptor) throws {
        guard request.wants(descriptor), end.map({ descriptor.digest <= $0 }) ?? true,
            entries[descriptor.digest] == nil
        else { return }
        let entry = try Document.encode(descriptor)
        entries[descriptor.digest] = entry
        size += entry.count
        if entries.count > 2 * (request.most + 1) || size > 2 * Document.sizeLimit { cut() }
    }

    /// Keeps those that fit onto the page, and the one after them.
    private mutating func cut() {
        guard let next = filled().next else { return }
        end = next
        entries = entries.filter { $0.key <= next }
        size = entries.values.reduce(0) { $0 + $1.count }
    }

    private func filled() -> (page: ReferrersPage, next: Digest?) {
        var page = ReferrersPage(request)
        for (digest, entry) in entries.sorted(by: { $0.key < $1.key }) where !page.add(entry, of: digest) {
            return (page, digest)
        }
        return (page, nil)
    }

    /// The page with those that were added.
    var page: ReferrersPage {
        var page = filled().page
        page.finish()
        return page
    }
}
