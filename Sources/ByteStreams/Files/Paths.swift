import CLinux
import Glibc

private let slash = UInt8(ascii: "/")

/// What stands between the slashes of a path, also where that is nothing. By bytes, as the system sees it: to Swift, a
/// slash and a combining mark after it are one character, which is no slash.
package func components(of path: String) -> [Substring] {
    path.utf8.split(separator: slash, omittingEmptySubsequences: false).map { Substring($0) }
}

package func isAbsolute(_ path: String) -> Bool { path.utf8.first == slash }

package func parent(of path: String) -> String {
    guard let end = path.utf8.lastIndex(of: slash) else { return "." }
    return end == path.startIndex ? "/" : String(path[..<end])
}

package func lastComponent(of path: String) -> String {
    components(of: path).last { !$0.isEmpty }.map(String.init) ?? path
}

package enum FileKind: Sendable {
    case file
    case directory
    case link
    case other
}

/// What the system knows of a path; nil if nothing is there.
func status(of path: String, followingLinks: Bool = true) throws -> stat? {
    try ifThere { () throws(StreamError) in
        var status = stat()
        try systemCall("look at", path) { followingLinks ? stat(path, &status) : lstat(path, &status) }
        return status
    }
}

/// What is at a path, links not followed unless asked; nil if nothing is.
package func fileKind(_ path: String, followingLinks: Bool = true) throws -> FileKind? {
    guard let status = try status(of: path, followingLinks: followingLinks) else { return nil }
    return switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    case S_IFLNK: .link
    default: .other
    }
}

/// What a symbolic link says; nil if there is none.
package func linkTarget(_ path: String) throws -> String? {
    guard try fileKind(path, followingLinks: false) == .link else { return nil }
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = try target.withUnsafeMutableBytes { buffer in
        try systemCall("read the link", path) {
            readlink(path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
    }
    return String(decoding: target[..<count], as: UTF8.self)
}

/// Where a file of this name is or would be: at the end of the links that the name is.
package func followingLinks(_ path: String) throws -> String {
    var path = path
    for _ in 0..<40 {
        guard let text = try linkTarget(path) else { return path }
        path = isAbsolute(text) ? text : "\(parent(of: path))/\(text)"
    }
    throw StreamError.io(operation: "follow the link", path: path, errno: ELOOP)
}

/// Whether a path is where standard output goes.
package func isStandardOutput(_ path: String) -> Bool {
    var file = stat()
    var output = stat()
    guard stat(path, &file) == 0, fstat(STDOUT_FILENO, &output) == 0 else { return false }
    return file.st_dev == output.st_dev && file.st_ino == output.st_ino
}

/// Bytes of a regular file; nil if there is none.
package func fileSize(_ path: String, followingLinks: Bool = true) throws -> Int64? {
    guard let status = try status(of: path, followingLinks: followingLinks) else { return nil }
    return status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
}

/// The names in a directory, sorted; nil if there is none.
package func listDirectory(_ path: String) throws -> [String]? {
    try openIfThere(path, O_DIRECTORY, "list", path).map { try listDirectory($0, path) }
}

/// The names in an open directory, sorted; closes it.
package func listDirectory(_ directory: Int32, _ path: String) throws -> [String] {
    var names: [String] = []
    try forEachEntry(of: directory, path) { name, _ in names.append(name) }
    return names.sorted()
}

/// Opens something to be read; nil if there is nothing.
///
/// - Parameters:
///   - base: the directory that `relative` starts from.
///   - path: for the message.
package func openIfThere(
    _ relative: String, from base: Int32 = AT_FDCWD, _ flags: Int32, _ operation: String, _ path: String
) throws -> Int32? {
    try ifThere { () throws(StreamError) in
        try systemCall(operation, path) { openat(base, relative, O_RDONLY | O_CLOEXEC | flags) }
    }
}

/// Of what is opened to be looked at, and neither read nor entered: `O_PATH`.
package let lookOnly = dray_open_path

/// Opens something to be read, unless a symbolic link is anywhere on its path.
///
/// - Parameters:
///   - base: the directory that `relative` starts from.
///   - path: for the message.
/// - Throws: `StreamError.io`, with `ELOOP` for a link, and `ENOSYS` before Linux 5.6.
package func openWithoutLinks(
    _ relative: String, from base: Int32 = AT_FDCWD, _ flags: Int32, _ path: String
) throws(StreamError) -> Int32 {
    try systemCall("open", path) { dray_open_without_links(base, relative, O_RDONLY | O_CLOEXEC | flags) }
}

/// Without links, dots and doubled slashes; nil if nothing is there, or its name is no text.
package func realPath(_ path: String) throws -> String? {
    try ifThere { () throws(StreamError) in
        guard let resolved = realpath(path, nil) else { throw .io(operation: "look at", path: path, errno: errno) }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    } ?? nil
}

/// Likewise of what has to lie in one of several directories.
///
/// - Parameter roots: real paths.
/// - Throws: `StreamError.damaged` for a link that leads elsewhere.
package func realPath(_ path: String, inside roots: [String]) throws -> String? {
    guard let real = try realPath(path) else { return nil }
    guard roots.contains(where: { ByteStreams.path(real, below: $0) != nil }) else {
        throw StreamError.damaged("\(path) is a link that leads out of \(roots[0]), to \(real)")
    }
    return real
}

/// - Parameter path: a real one, as that of the directory, or one that begins like that.
/// - Returns: what is left of it below the directory, empty for that itself; nil if it is not there.
package func path(_ path: String, below directory: String) -> String? {
    var (path, directory) = (path, directory)
    return path.withUTF8 { path in
        directory.withUTF8 { directory in
            guard path.starts(with: directory) else { return nil }
            let rest = path.dropFirst(directory.count)
            guard rest.first == slash || rest.isEmpty || directory.last == slash else { return nil }
            return String(decoding: rest.drop { $0 == slash }, as: UTF8.self)
        }
    }
}

/// Reads a directory, and closes it.
///
/// - Parameter body: is given each name and its `d_type`.
func forEachEntry(of directory: Int32, _ path: String, _ body: (String, Int32) throws -> Void) throws {
    guard let stream = fdopendir(directory) else {
        let code = errno
        close(directory)
        throw StreamError.io(operation: "list", path: path, errno: code)
    }
    defer { closedir(stream) }
    errno = 0
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { try body(name, Int32(entry.pointee.d_type)) }
        errno = 0
    }
    guard errno == 0 else { throw StreamError.io(operation: "list", path: path, errno: errno) }
}

/// A whole small file; nil if there is none.
///
/// - Throws: `StreamError.limit` beyond `limit` bytes.
package func readFile(_ path: String, limit: Int) throws -> [UInt8]? {
    do {
        return try FileSource(OpenFile(reading: path)).readAll(limit: limit, name: path)
    } catch StreamError.io(_, _, let code) where code == ENOENT || code == ENOTDIR {
        return nil
    }
}

/// Makes a directory and those above it, as far as they are missing.
///
/// - Parameter lasting: whether they have to survive a power cut.
package func makeDirectories(_ path: String, ownership: Ownership? = nil, lasting: Bool = true) throws {
    if try fileKind(path) == .directory { return }
    let above = parent(of: path)
    if above != path { try makeDirectories(above, ownership: ownership, lasting: lasting) }
    try makeDirectory(path, ownership: ownership, lasting: lasting)
}

/// Makes a directory in one that is there. Somebody else may have made it already.
package func makeDirectory(_ path: String, ownership: Ownership?, lasting: Bool) throws {
    if mkdir(path, 0o777) != 0 {
        let code = errno
        if code == EEXIST, try fileKind(path) == .directory { return }
        if code == EEXIST, let target = try linkTarget(path) {
            throw StreamError.damaged("\(path) is a link that leads to no directory: \(target)")
        }
        throw StreamError.io(operation: "make the directory", path: path, errno: code)
    }
    try ownership?.apply(to: path)
    if lasting { try syncDirectory(parent(of: path)) }
}

/// Makes names in a directory last through a power cut.
package func syncDirectory(_ path: String) throws {
    try sync(path, O_RDONLY | O_DIRECTORY)
}

private func sync(_ path: String, _ flags: Int32) throws {
    let descriptor = try systemCall("open", path) { open(path, flags | O_CLOEXEC) }
    defer { close(descriptor) }
    try systemCall("sync", path) { fsync(descriptor) }
}

/// Brings a directory to the disk, and all files and directories below it.
package func syncTree(_ path: String) throws {
    for name in try listDirectory(path) ?? [] {
        let child = "\(path)/\(name)"
        switch try fileKind(child, followingLinks: false) {
        case .directory: try syncTree(child)
        case .file: try sync(child, O_RDONLY)
        case .link, .other, nil: break
        }
    }
    try syncDirectory(path)
}

/// Gives what is on the disk its name, which lasts when this returns.
package func move(_ path: String, to final: String) throws {
    try systemCall("rename to \(final)", path) { rename(path, final) }
    try syncDirectory(parent(of: final))
}

/// Makes a symbolic link.
package func makeLink(_ path: String, to target: String) throws {
    try systemCall("make the link", path) { symlink(target, path) }
}

/// Makes a new file, which lasts only once it is synced.
package func makeFile(_ bytes: [UInt8], at path: String, _ ownership: Ownership) throws {
    try makeFile(at: path, ownership) { sink in try bytes.withUnsafeBytes(sink) }
}

/// Likewise one whose bytes come in pieces.
package func makeFile(
    at path: String, _ ownership: Ownership,
    _ body: (_ sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
) throws {
    let descriptor = try systemCall("write", path) {
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
    }
    defer { close(descriptor) }
    try ownership.apply(to: descriptor, path: path)
    try body { try writeAll($0, to: descriptor, path: path) }
}

/// Takes a file away; whether there was one.
@discardableResult
package func removeFile(_ path: String) throws -> Bool {
    if unlink(path) == 0 { return true }
    let code = errno
    if code == ENOENT || code == ENOTDIR { return false }
    throw StreamError.io(operation: "remove", path: path, errno: code)
}

/// Takes away a file, or a directory and all below it; links are not followed.
package func removeTree(_ path: String) throws {
    guard try fileKind(path, followingLinks: false) == .directory else {
        try removeFile(path)
        return
    }
    for name in try listDirectory(path) ?? [] { try removeTree("\(path)/\(name)") }
    if rmdir(path) != 0, errno != ENOENT { throw StreamError.io(operation: "remove", path: path, errno: errno) }
}

/// Bytes that may still be written below `path`, or where it is going to be.
package func freeSpace(at path: String) throws -> Int64 {
    var path = path
    while try fileKind(path) == nil, path != "/", path != "." { path = parent(of: path) }
    var status = statvfs()
    try systemCall("look at", path) { statvfs(path, &status) }
    let (bytes, overflow) = Int64(status.f_bavail).multipliedReportingOverflow(by: Int64(status.f_frsize))
    return overflow ? .max : bytes
}

/// Whether a file can be read by others than its owner.
package func isReadableByOthers(_ path: String) throws -> Bool {
    var status = stat()
    try systemCall("look at", path) { stat(path, &status) }
    return status.st_mode & 0o077 != 0
}

/// When something was last changed, in seconds since 1970; nil if it is not there.
package func modificationTime(_ path: String) throws -> Int? {
    try status(of: path)?.st_mtim.tv_sec
}
