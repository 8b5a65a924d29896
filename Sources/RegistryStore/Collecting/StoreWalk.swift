import ByteStreams
import ImageModel

/// Finds the repositories of a store, as both registries would: by `_layers` (2.x) or `_manifests` (3.x).
struct StoreWalk {
    struct Repository: Sendable {
        var name: String
        /// Reached over a symbolic link.
        var isElsewhere: Bool
        var hasUploads: Bool
    }

    /// What repositories may lie in, and a link leads to that may not lead there.
    struct Departure: Sendable {
        var name: String
        /// A real path; nil for nowhere.
        var target: String?
    }

    /// Deeper than any name can be, whose 255 characters are at most.
    private static let depthLimit = 130

    private(set) var repositories: [Repository] = []
    private(set) var departures: [Departure] = []
    /// Where links have led; and what the store lies in, which would be walked without end, and has itself again.
    private var visited: Set<FileIdentity>

    /// Sorted component by component.
    init(below root: DirectoryHandle) throws {
        visited = try root.ancestors()
        try visit(root, "", isElsewhere: false, depth: 0)
    }

    private mutating func visit(_ directory: DirectoryHandle, _ name: String, isElsewhere: Bool, depth: Int) throws {
        guard depth < Self.depthLimit else { return }
        let entries = try directory.entries().sorted { $0.name < $1.name }
        if entries.contains(where: { $0.name == "_manifests" || $0.name == "_layers" }), !name.isEmpty {
            repositories.append(
                Repository(
                    name: name, isElsewhere: isElsewhere, hasUploads: entries.contains { $0.name == "_uploads" }))
        }
        for entry in entries where !entry.name.hasPrefix("_") {
            let full = name.isEmpty ? entry.name : "\(name)/\(entry.name)"
            var isLink = false
            switch entry.kind {
            case .directory: break
            case .link:
                if let departure = try directory.departure(entry.name) {
                    if try departure.target.map({ try fileKind($0) == .directory }) ?? true {
                        departures.append(Departure(name: full, target: departure.target))
                    }
                    continue
                }
                // Somewhere once: links can lead in circles.
                guard let status = try directory.status(entry.name), status.isDirectory,
                    visited.insert(status.identity).inserted
                else { continue }
                isLink = true
            case .file, .other: continue
            }
            guard let child = try directory.open(entry.name) else { continue }
            try visit(child, full, isElsewhere: isElsewhere || isLink, depth: depth + 1)
        }
    }
}
