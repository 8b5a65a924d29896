package import ByteStreams
package import FileTrees
import ImageModel
import Synchronization

/// The objects below a prefix of a bucket, as files. Calls block: they belong on worker threads.
///
/// Within the directories that `lists` names, one flat listing answers for all files together, and is taken again by
/// whoever opens the tree again.
package final class BucketTree: FileTree {
    package let place: BucketPlace
    /// The directory that a file's listing is taken for; nil for a file that is asked for by itself.
    private let listedDirectory: @Sendable (_ path: String) -> String?
    private let listings = Mutex<[(directory: String, listing: FlatListing)]>([])

    /// Listings that are kept at once.
    private static let listingLimit = 32

    /// - Parameter listedDirectory: see `FlatListing`.
    package init(_ place: BucketPlace, listedDirectory: @escaping @Sendable (_ path: String) -> String? = { _ in nil })
    {
        self.place = place
        self.listedDirectory = listedDirectory
    }

    package var title: String { place.title }
    package var path: String { place.title }

    private func listing(for path: String) throws -> FlatListing? {
        guard let directory = listedDirectory(path) else { return nil }
        if let known = listings.withLock({ $0.first { $0.directory == directory }?.listing }) { return known }
        let new = try FlatListing(of: directory, in: place)
        listings.withLock { listings in
            if listings.count >= Self.listingLimit { listings.removeFirst() }
            listings.append((directory, new))
        }
        return new
    }

    private func info(_ path: String) throws -> ObjectInfo? {
        if let listing = try listing(for: path) { return listing[path] }
        return try place.info(path)
    }

    package func size(of path: String) throws -> Int64? { try info(path)?.size }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        if let listing = try listing(for: path) {
            guard let info = listing[path] else { return nil }
            if let target = info.etag.flatMap({ MD5Checksum(hex: $0) })?.target(ofLinkAt: path) {
                return Array(target.description.utf8)
            }
        }
        return try place.read(path, limit: limit)
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        try place.bucket.wait { [place] in try await $0.get(place.key(path)) }
    }

    package func list(_ path: String) throws -> [String]? {
        if let listing = try listing(for: "\(path)/") { return listing.names(in: path) }
        let names = try place.names(in: path)
        return names.isEmpty ? nil : names
    }

    /// No links lead from one key to another.
    package func resolved(_ path: String) -> String? { path }

    package func facts(of path: String) throws -> FileFacts? {
        guard let source = try open(path) else { return nil }
        return try FileFacts(reading: source)
    }

    package func stamp(of path: String) throws -> String? {
        try info(path).map { "\($0.etag ?? "").\($0.size).\($0.lastModified ?? 0)" }
    }
}

extension BucketTree: ListsRepositories {
    package func repositories(in directory: String) throws -> [String] { try place.repositories(in: directory) }
}

/// The objects below one directory, from one listing of all of them.
private struct FlatListing: Sendable {
    private var objects: [String: ObjectInfo] = [:]
    private var children: [String: Set<String>] = [:]

    /// - Parameter directory: without a slash at its end.
    init(of directory: String, in place: BucketPlace) throws {
        let found = try place.objects(below: directory)
        for object in found {
            var path = place.path(ofKey: object.key)
            objects[path] = object
            while path.utf8.count > directory.utf8.count {
                let above = parent(of: path)
                guard children[above, default: []].insert(lastComponent(of: path)).inserted else { break }
                path = above
            }
        }
    }

    subscript(path: String) -> ObjectInfo? { objects[path] }

    func names(in directory: String) -> [String]? { children[directory]?.sorted() }
}

extension BucketPlace {
    /// The names directly below a directory, sorted.
    package func names(in directory: String) throws -> [String] {
        let start = key("\(directory)/")
        return try bucket.wait { bucket in
            var names: Set<String> = []
            for try await page in bucket.list(prefix: start, delimiter: "/") {
                for object in page.objects where object.key != start {
                    names.insert(String(object.key.dropFirst(start.count)))
                }
                for prefix in page.prefixes { names.insert(String(prefix.dropFirst(start.count).dropLast())) }
            }
            return names.sorted()
        }
    }

    /// All objects below a directory, in no particular order.
    package func objects(below directory: String) throws -> [ObjectInfo] {
        let start = key("\(directory)/")
        return try bucket.wait { bucket in
            var objects: [ObjectInfo] = []
            for try await page in bucket.list(prefix: start) { objects += page.objects }
            return objects
        }
    }

    /// The directories below one that have a directory whose name begins with `_`, sorted component by component: one
    /// request for each 1,000, whatever lies in them.
    package func repositories(in directory: String) throws -> [String] {
        let start = key("\(directory)/")
        return try bucket.wait { bucket in
            var names: [String] = []
            for try await page in bucket.list(prefix: start, delimiter: "/_") {
                names += page.prefixes.map { String($0.dropFirst(start.count).dropLast(2)) }
            }
            return names.sorted { $0.split(separator: "/").lexicographicallyPrecedes($1.split(separator: "/")) }
        }
    }
}
