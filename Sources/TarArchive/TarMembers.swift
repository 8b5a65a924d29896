import ByteStreams
import Synchronization

/// The members of a tar by path, and where its links lead.
public final class TarMembers: Sendable {
    private let entries: [String: TarEntry]
    private let name: String
    /// All paths in the order of their bytes, made when the first listing is asked for: a table of what lies
    /// below each directory would be many times as large as the paths.
    private let sorted = Mutex<[String]?>(nil)

    /// As many as Linux follows.
    private static let linkLimit = 40

    /// - Parameter entries: by path; the last member of a path is the one that counts.
    public init(_ entries: [String: TarEntry], name: String) {
        self.entries = entries
        self.name = name
    }

    /// Names directly below a directory, sorted; nil if nothing lies there.
    public func list(_ directory: String) throws -> [String]? {
        let directory = try resolve(directory).path
        let paths = sortedPaths()
        let prefix = directory.isEmpty ? "" : directory + "/"
        var names: Set<String> = []
        var position = Self.lowerBound(of: prefix, in: paths)
        while position < paths.count, paths[position].utf8.starts(with: prefix.utf8) {
            let rest = paths[position].utf8.dropFirst(prefix.utf8.count)
            let child = String(Substring(rest.prefix { $0 != UInt8(ascii: "/") }))
            if !child.isEmpty { names.insert(child) }
            // What lies below the child is passed over: '0' follows '/'.
            position =
                child.utf8.count == rest.count ? position + 1 : Self.lowerBound(of: prefix + child + "0", in: paths)
        }
        return names.isEmpty && !directory.isEmpty ? nil : names.sorted()
    }

    /// The file at a path, links followed; nil if there is none.
    ///
    /// - Throws: `StreamError.damaged` if the links go in a circle, or out of the archive.
    public func file(at path: String) throws -> TarEntry? {
        let (path, isLinked) = try resolve(path)
        guard let entry = entries[path] else {
            guard !isLinked else {
                throw StreamError.damaged("\(name): a link leads to \(path), which is not in the archive")
            }
            return nil
        }
        return entry.kind == .file ? entry : nil
    }

    /// Where a path leads when the links on it are followed, those of directories too.
    private func resolve(_ path: String) throws -> (path: String, isLinked: Bool) {
        var path = path
        var seen: Set<String> = []
        while let link = link(on: path) {
            guard seen.insert(path).inserted, seen.count <= Self.linkLimit else {
                throw StreamError.damaged("\(name): the link \(path) leads back to itself, or to too many others")
            }
            let target = try target(of: link)
            let rest = Substring(path.utf8.dropFirst(link.path.utf8.count))
            path = target.isEmpty ? String(rest.drop { $0 == "/" }) : target + rest
        }
        return (path, !seen.isEmpty)
    }

    /// The link that stands in the way of a path: the member itself, or else a directory above it.
    private func link(on path: String) -> TarEntry? {
        if let entry = entries[path] { return entry.isLink ? entry : nil }
        var slash = path.firstIndex(of: "/")
        while let end = slash {
            if let above = entries[String(path[..<end])], above.isLink { return above }
            slash = path[path.index(after: end)...].firstIndex(of: "/")
        }
        return nil
    }

    private func target(of link: TarEntry) throws -> String {
        switch link.kind {
        case .hardLink(let target): return try TarPath.normalised(target, in: name)
        case .symbolicLink(let target):
            let directory = link.path.split(separator: "/").dropLast().joined(separator: "/")
            guard !target.hasPrefix("/"), let resolved = TarPath.resolve(target, from: directory) else {
                throw StreamError.damaged("\(name): the link \(link.path) leads out of the archive, to \(target)")
            }
            return resolved
        case .file, .directory, .other: return link.path
        }
    }

    // MARK: Sorted paths

    private func sortedPaths() -> [String] {
        sorted.withLock { sorted in
            if let sorted { return sorted }
            let paths = entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            sorted = paths
            return paths
        }
    }

    private static func lowerBound(of path: String, in paths: [String]) -> Int {
        var range = 0..<paths.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range =
                paths[middle].utf8.lexicographicallyPrecedes(path.utf8)
                ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

extension TarEntry {
    fileprivate var isLink: Bool {
        switch kind {
        case .hardLink, .symbolicLink: true
        case .file, .directory, .other: false
        }
    }
}
