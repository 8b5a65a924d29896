import ByteStreams

/// The tree at a path: a directory, an archive on disk, or standard input (`-`).
///
/// - Throws: `StreamError.io` if there is nothing.
func openTree(_ path: String, limit: InflationLimit = .standard) throws -> any FileTree {
    if path == "-" { return StreamedTree(path, limit: limit) }
    if try fileKind(path) == .directory { return DirectoryTree(path) }
    let file = try OpenFile(reading: path)
    let start = try PeekingSource(FileSource(file)).peek(6)
    return CompressionFormat.sniff(start) == .none ? try IndexedTree(file) : StreamedTree(path, limit: limit)
}
