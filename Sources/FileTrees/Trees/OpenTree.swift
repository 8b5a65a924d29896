package import ByteStreams
import ImageModel
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

/// The tree of an archive that is open.
package func openTree(_ file: OpenFile, _ options: TreeOptions = TreeOptions()) throws -> any FileTree {
    let start = try PeekingSource(FileSource(file)).peek(6)
    return CompressionFormat.sniff(start) == .none ? try IndexedTree(file) : StreamedTree(file, options)
}

/// Opens the trees at paths. One that was opened to be recognised is kept for whoever opens the path next, with what was
/// read of it: a compressed archive is inflated once.
package final class TreeOpener: Sendable {
    package let options: TreeOptions
    private let recognised = Mutex<[Place: any FileTree]>([:])

    private struct Place: Hashable {
        let path: String
        /// nil if nothing is there.
        let stamp: FileStamp?

        init(_ path: String) {
            self.path = path
            stamp = try? FileStamp(of: path)
        }
    }

    package init(_ options: TreeOptions = TreeOptions()) { self.options = options }

    /// The tree at a path: a directory, an archive on disk, or what comes through standard input (`-`), a named pipe
    /// or a device.
    ///
    /// - Throws: `ImageError.io` if there is nothing.
    package func open(_ path: String) throws -> any FileTree {
        let place = Place(path)
        if let known = recognised.withLock({ $0.removeValue(forKey: place) }) { return known }
        if path == "-" { return StreamedTree(path, options) }
        switch try fileKind(path) {
        case .directory: return DirectoryTree(path, shared: options.sharedDirectory)
        case .other: return StreamedTree(path, options)
        case .file, .link, nil: break
        }
        return try openTree(OpenFile(reading: path), options)
    }

    /// Likewise, to be looked at.
    ///
    /// - Throws: `ImageError` also for what comes once.
    package func recognise(_ path: String) throws -> any FileTree {
        guard try fileKind(path) != .other else {
            throw ImageError.usage(
                "\(path) is no file, and what comes through it comes once: say what it is, as docker-archive:\(path)")
        }
        let place = Place(path)
        let tree = try open(path)
        recognised.withLock { $0[place] = tree }
        return tree
    }
}
