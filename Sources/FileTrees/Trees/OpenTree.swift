package import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// How a path is opened as a tree.
package struct TreeOptions: Sendable {
    package var inflation: InflationLimit
    /// The one directory that may lie elsewhere: see `DirectoryTree`.
    package var sharedDirectory: String?
    /// Documents of any size that are read in passing where a tree comes once, by path.
    package var lists: [String: any ListDocument.Type]

    package init(
        inflation: InflationLimit = .standard, sharedDirectory: String? = nil,
        lists: [String: any ListDocument.Type] = [:]
    ) {
        self.inflation = inflation
        self.sharedDirectory = sharedDirectory
        self.lists = lists
    }
}

/// The tree at a path: a directory, an archive on disk, or what comes through standard input (`-`), a named pipe
/// or a device.
///
/// - Throws: `StreamError.io` if there is nothing.
package func openTree(_ path: String, _ options: TreeOptions = TreeOptions()) throws -> any FileTree {
    let place = TreePlace(path, options.inflation)
    if let known = recognised.withLock({ $0.removeValue(forKey: place) }) { return known }
    if path == "-" { return StreamedTree(path, options) }
    switch try fileKind(path) {
    case .directory: return DirectoryTree(path, shared: options.sharedDirectory)
    case .other: return StreamedTree(path, options)
    case .file, .link, nil: break
    }
    return try openTree(OpenFile(reading: path), options)
}

/// The tree of an archive that is open.
package func openTree(_ file: OpenFile, _ options: TreeOptions = TreeOptions()) throws -> any FileTree {
    let start = try PeekingSource(FileSource(file)).peek(6)
    return CompressionFormat.sniff(start) == .none ? try IndexedTree(file) : StreamedTree(file, options)
}

/// Likewise, to be looked at: whoever opens the path next gets the same tree, with what was read of it.
package func openTreeToRecognise(_ path: String, _ options: TreeOptions) throws -> any FileTree {
    guard try fileKind(path) != .other else {
        throw ReferenceError(
            "\(path) is no file, and what comes through it comes once: say what it is, as docker-archive:\(path)")
    }
    let place = TreePlace(path, options.inflation)
    let tree = try openTree(path, options)
    recognised.withLock { $0[place] = tree }
    return tree
}

private struct TreePlace: Hashable, Sendable {
    let path: String
    let limit: InflationLimit
    /// nil if nothing is there.
    let stamp: FileStamp?

    init(_ path: String, _ limit: InflationLimit) {
        self.path = path
        self.limit = limit
        stamp = try? FileStamp(of: path)
    }
}

private let recognised = Mutex<[TreePlace: any FileTree]>([:])
