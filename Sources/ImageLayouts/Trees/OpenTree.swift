import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// The tree at a path: a directory, an archive on disk, or what comes through standard input (`-`), a named pipe
/// or a device.
///
/// - Throws: `StreamError.io` if there is nothing.
func openTree(_ path: String, limit: InflationLimit = .standard) throws -> any FileTree {
    let place = TreePlace(path, limit)
    if let known = recognised.withLock({ $0.removeValue(forKey: place) }) { return known }
    if path == "-" { return StreamedTree(path, limit: limit) }
    switch try fileKind(path) {
    case .directory: return DirectoryTree(path, shared: OCIPaths.blobs)
    case .other: return StreamedTree(path, limit: limit)
    case .file, .link, nil: break
    }
    return try openTree(OpenFile(reading: path), limit: limit)
}

/// The tree of an archive that is open.
func openTree(_ file: OpenFile, limit: InflationLimit = .standard) throws -> any FileTree {
    let start = try PeekingSource(FileSource(file)).peek(6)
    return CompressionFormat.sniff(start) == .none ? try IndexedTree(file) : StreamedTree(file, limit: limit)
}

/// Likewise, to be looked at: whoever opens the path next gets the same tree, with what was read of it.
func openTreeToRecognise(_ path: String, limit: InflationLimit) throws -> any FileTree {
    guard try fileKind(path) != .other else {
        throw ReferenceError(
            "\(path) is no file, and what comes through it comes once: say what it is, as docker-archive:\(path)")
    }
    let place = TreePlace(path, limit)
    let tree = try openTree(path, limit: limit)
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
