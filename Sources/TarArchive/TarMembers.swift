import ByteStreams

/// The members of a tar by path, and where its links lead.
public struct TarMembers: Sendable {
    public private(set) var entries: [String: TarEntry] = [:]
    /// Names below each directory.
    private var names: [String: Set<String>] = ["": []]
    private let name: String

    public init(name: String) { self.name = name }

    /// The last member of a path is the one that counts.
    public mutating func add(_ entry: TarEntry) {
        entries[entry.path] = entry
        var child = entry.path[...]
        while !child.isEmpty {
            let slash = child.lastIndex(of: "/")
            let directory = slash.map { child[..<$0] } ?? ""
            let last = slash.map { child[child.index(after: $0)...] } ?? child
            guard names[String(directory), default: []].insert(String(last)).inserted else { break }
            child = directory
        }
    }

    /// Names directly below a directory, sorted; nil if nothing lies there.
    public func list(_ directory: String) -> [String]? { names[directory]?.sorted() }

    /// The file at a path, links followed; nil if there is none.
    ///
    /// - Throws: `StreamError.damaged` if the links go in a circle, or out of the archive.
    public func file(at path: String) throws -> TarEntry? {
        var path = path
        var seen: Set<String> = []
        while let entry = entries[path] {
            guard seen.insert(path).inserted else {
                throw StreamError.damaged("\(name): the link \(path) leads back to itself")
            }
            switch entry.kind {
            case .file: return entry
            case .directory, .other: return nil
            case .hardLink(let target): path = try TarPath.normalised(target, in: name)
            case .symbolicLink(let target):
                let directory = path.split(separator: "/").dropLast().joined(separator: "/")
                guard !target.hasPrefix("/"), let resolved = TarPath.resolve(target, from: directory) else {
                    throw StreamError.damaged("\(name): the link \(path) leads out of the archive, to \(target)")
                }
                path = resolved
            }
        }
        guard seen.isEmpty else {
            throw StreamError.damaged("\(name): a link leads to \(path), which is not in the archive")
        }
        return nil
    }
}
