import ByteStreams
import ImageModel
import ObjectStorage

/// A directory of a store as a survey reads it.
protocol SurveyedDirectory: Sendable {
    /// What is directly in it.
    func entries() throws -> [DirectoryHandle.Entry]
    /// A directory below it; nil if there is none.
    func openUnlessAbsent(_ relative: String) throws -> Self?
    /// A file as a link that a collection reads; nil if there is none. White space around a digest is passed over, which
    /// docker-registry does not.
    ///
    /// - Parameter buffer: at least `LinkFile.sizeLimit` bytes.
    func link(_ relative: String, _ buffer: UnsafeMutableRawBufferPointer) throws -> LinkFile?
    /// When a file or directory was written or touched, in nanoseconds since 1970; nil if there is none.
    func changed(_ relative: String) throws -> Int64?
    /// Whether a directory is known to have one entry at most.
    func hasOneEntry(_ relative: String) throws -> Bool
}

extension DirectoryHandle: SurveyedDirectory {
    func link(_ relative: String, _ buffer: UnsafeMutableRawBufferPointer) throws -> LinkFile? {
        let limit = UnsafeMutableRawBufferPointer(rebasing: buffer[..<LinkFile.sizeLimit])
        if let link = try read(relative, into: limit, { LinkFile($0, for: .collector) }) { return link }
        try checkAbsence(of: relative)
        return nil
    }

    func changed(_ relative: String) throws -> Int64? { try status(relative)?.changed }

    func hasOneEntry(_ relative: String) throws -> Bool {
        guard let links = try status(relative)?.links else { return true }
        return links == 2 || links == 3
    }
}

/// The directory of a repository in a bucket, as one listing tells it.
struct ListedDirectory: SurveyedDirectory {
    /// What all directories of one listing share.
    final class Listing: Sendable {
        let place: BucketPlace
        /// By path below the store's root.
        let objects: [String: ListedObject]
        /// The names in each directory.
        let children: [String: [String]]

        /// - Parameter objects: in any order.
        init(_ place: BucketPlace, _ objects: [(path: String, object: ListedObject)]) {
            self.place = place
            self.objects = Dictionary(objects.map { ($0.path, $0.object) }) { $1 }
            var children: [String: Set<String>] = [:]
            for (path, _) in objects {
                var path = path
                while !path.isEmpty {
                    let above = parent(of: path)
                    guard children[above, default: []].insert(lastComponent(of: path)).inserted else { break }
                    path = above
                }
            }
            self.children = children.mapValues { $0.sorted() }
        }
    }

    let listing: Listing
    /// Below the store's root.
    let path: String

    private func full(_ relative: String) -> String { path.isEmpty ? relative : "\(path)/\(relative)" }

    func entries() -> [DirectoryHandle.Entry] {
        (listing.children[path] ?? []).map { name in
            DirectoryHandle.Entry(name: name, kind: listing.objects[full(name)] == nil ? .directory : .file)
        }
    }

    func openUnlessAbsent(_ relative: String) -> ListedDirectory? {
        let path = full(relative)
        return listing.children[path] == nil ? nil : ListedDirectory(listing: listing, path: path)
    }

    func link(_ relative: String, _ buffer: UnsafeMutableRawBufferPointer) throws -> LinkFile? {
        let path = full(relative)
        guard let object = listing.objects[path] else { return nil }
        if let target = object.checksum?.target(ofLinkAt: path) { return .digest(target) }
        let bytes = try listing.place.read("\(StorePaths.standard.root)/\(path)", limit: LinkFile.sizeLimit)
        return bytes.map { LinkFile($0, for: .collector) }
    }

    func changed(_ relative: String) -> Int64? { listing.objects[full(relative)]?.changed }
    func hasOneEntry(_ relative: String) -> Bool { listing.children[full(relative)].map { $0.count <= 1 } ?? true }
}

/// What a listing tells of an object, in little memory.
struct ListedObject: Sendable {
    /// Bytes.
    var size: Int64
    /// Nanoseconds since 1970, by the server's clock.
    var changed: Int64
    /// The MD5 of its bytes, where the server tells that.
    let checksum: MD5Checksum?

    init(_ info: ObjectInfo) {
        size = info.size
        // What has no time might be new.
        changed = info.changed ?? .max
        checksum = info.etag.flatMap { MD5Checksum(hex: $0) }
    }
}
