import CLinux
import Glibc
import ImageModel

let slash = UInt8(ascii: "/")

/// What stands between the slashes of a path, also where that is nothing. By bytes, as the system sees it: to Swift, a
/// slash and a combining mark after it are one character, which is no slash.
package func components(of path: String) -> [Substring] {
    path.utf8.split(separator: slash, omittingEmptySubsequences: false).map { Substring($0) }
}

package func isAbsolute(_ path: String) -> Bool { path.utf8.first == slash }

/// Slashes at the end do not count.
package func parent(of path: String) -> String {
    let bytes = path.utf8
    guard let last = bytes.lastIndex(where: { $0 != slash }) else { return path.isEmpty ? "." : "/" }
    guard let end = bytes[...last].lastIndex(of: slash) else { return "." }
    guard let above = bytes[...end].lastIndex(where: { $0 != slash }) else { return "/" }
    return String(Substring(bytes[...above]))
}

/// Likewise.
package func lastComponent(of path: String) -> String {
    guard let end = path.utf8.lastIndex(where: { $0 != slash }) else { return path }
    let bytes = path.utf8[...end]
    guard let start = bytes.lastIndex(of: slash) else { return String(Substring(bytes)) }
    return String(Substring(bytes[bytes.index(after: start)...]))
}

package enum FileKind: Sendable {
    case file
    case directory
    case link
    case other

    init(_ status: stat) {
        self =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
    }
}

/// What the system knows of a path; nil if nothing is there.
func status(of path: String, followingLinks: Bool = true) throws -> stat? {
    try ifThere { () throws(ImageError) in
        var status = stat()
        try systemCall("look at", path) { followingLinks ? stat(path, &status) : lstat(path, &status) }
        return status
    }
}

/// What is at a path, links not followed unless asked; nil if nothing is.
package func fileKind(_ path: String, followingLinks: Bool = true) throws -> FileKind? {
    try status(of: path, followingLinks: followingLinks).map { FileKind($0) }
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
    throw ImageError.io(operation: "follow the link", path: path, errno: ELOOP)
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
    try ifThere { () throws(ImageError) in
        try systemCall(operation, path) { openat(base, relative, O_RDONLY | O_CLOEXEC | flags) }
    }
}

/// Of what is opened to be looked at, and neither read nor entered: `O_PATH`.
package let lookOnly = dray_open_path

/// `openat2`, which fails with `ELOOP` for a symbolic link anywhere on the path, and with `EXDEV` where that leaves the base.
///
/// - Returns: a negative number, and `errno`: `ENOSYS` before Linux 5.6.
func openWithoutLinks(_ relative: String, from base: Int32, _ flags: Int32) -> Int32 {
    dray_open_without_links(base, relative, flags)
}

/// `openat2`, which fails with `EXDEV` for a name on which something is mounted: where that call fails (on systems before
/// Linux 5.6, and in sandboxes that forbid it), on which another file system is.
///
/// - Returns: a negative number, and `errno`.
func openWithoutMounts(_ name: String, from base: Int32, _ flags: Int32) -> Int32 {
    let opened = dray_open_without_mounts(base, name, flags)
    if opened >= 0 || [EXDEV, ENOENT, ENOTDIR, ELOOP].contains(errno) { return opened }
    let found = openat(base, name, flags)
    guard found >= 0 else { return found }
    var (above, status) = (stat(), stat())
    if fstat(base, &above) == 0, fstat(found, &status) == 0, above.st_dev == status.st_dev { return found }
    close(found)
    errno = EXDEV
    return -1
}

/// `renameat2`, which fails with `EEXIST` if something has the new name.
///
/// - Returns: a negative number, and `errno`: `EINVAL` where the filesystem cannot do that.
func renameWithoutReplacing(_ name: String, in base: Int32, to newName: String, in newBase: Int32) -> Int32 {
    dray_rename_without_replacing(base, name, newBase, newName)
}

/// Without links, dots and doubled slashes; nil if nothing is there, or its name is no text.
package func realPath(_ path: String) throws -> String? {
    try ifThere { () throws(ImageError) in
        guard let resolved = realpath(path, nil) else { throw .io(operation: "look at", path: path, errno: errno) }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    } ?? nil
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
        throw ImageError.io(operation: "list", path: path, errno: code)
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
    guard errno == 0 else { throw ImageError.io(operation: "list", path: path, errno: errno) }
}

/// Bytes that may still be written below `path`, or where it is going to be.
package func freeSpace(at path: String) throws -> Int64 {
    var path = path
    while try fileKind(path) == nil, path != "/", path != "." { path = parent(of: path) }
    let descriptor = try systemCall("look at", path) { open(path, lookOnly | O_CLOEXEC) }
    defer { close(descriptor) }
    return try freeSpace(of: descriptor, path: path)
}

/// Likewise where something lies that is open.
func freeSpace(of descriptor: Int32, path: String) throws -> Int64 {
    var status = statvfs()
    try systemCall("look at", path) { fstatvfs(descriptor, &status) }
    let (bytes, overflow) = Int64(status.f_bavail).multipliedReportingOverflow(by: Int64(status.f_frsize))
    return overflow ? .max : bytes
}

/// Whether a file can be read by others than its owner.
package func isReadableByOthers(_ path: String) throws -> Bool {
    var status = stat()
    try systemCall("look at", path) { stat(path, &status) }
    return status.st_mode & 0o077 != 0
}

/// A path as a word of a shell's command.
///
/// - Parameter path: `-` for standard input, which no command can name.
package func shellWord(_ path: String) -> String {
    if path == "-" { return "FILE" }
    let isPlain = path.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || "/._-+=:@%,".utf8.contains(byte)
    }
    return isPlain && !path.hasPrefix("-") ? path : "'\(path.replacing("'", with: "'\\''"))'"
}
