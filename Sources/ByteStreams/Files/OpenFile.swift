import Glibc
package import ImageModel

/// A file that is open for as long as this lives. Read by offset, so many can read it at once.
package final class OpenFile: Sendable {
    package let path: String
    /// Bytes, when it was opened.
    package let size: Int64
    package let descriptor: Int32
    private let opened: FileStamp

    /// Opens a file that somebody named or that was found; as root, over trusted links only.
    ///
    /// - Throws: `ImageError.io`; a directory cannot be read either. `ImageError.damaged` for what is no file, and for a
    ///   link that is not trusted.
    package convenience init(reading path: String) throws {
        try self.init(taking: try Self.open(path), path: path)
    }

    /// - Returns: nil if nothing is there.
    package static func ifThere(_ path: String) throws -> OpenFile? {
        do {
            return try OpenFile(reading: path)
        } catch let error as ImageError where [ENOENT, ENOTDIR].contains(error.errno) {
            return nil
        }
    }

    /// - Parameter descriptor: is closed by this, whatever comes.
    package init(taking descriptor: Int32, path: String) throws {
        self.path = path
        self.descriptor = descriptor
        do {
            opened = try FileStamp(of: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        size = opened.size
        guard opened.kind == .file else {
            // Closed with it.
            guard opened.kind == .directory else {
                throw ImageError.damaged("\(path) is a pipe, device or socket, where a file has to be")
            }
            throw ImageError.io(operation: "read", path: path, errno: EISDIR)
        }
    }

    /// An empty file without a name, in the directory for temporary files.
    package static func temporary() throws -> OpenFile {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var path = Array("\(directory)/dray-XXXXXX".utf8CString)
        let descriptor = try systemCall("make a file in", directory) { mkstemp(&path) }
        unlink(path)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return try OpenFile(taking: descriptor, path: directory)
    }

    /// Whether it belongs to this process's user.
    package var isOwn: Bool {
        get throws {
            var status = stat()
            try systemCall("look at", path) { fstat(descriptor, &status) }
            return status.st_uid == geteuid()
        }
    }

    package func stamp() throws -> FileStamp { try FileStamp(of: descriptor, path: path) }

    /// - Throws: `ImageError.damaged` if the file was written to since it was opened: what is known of it may be wrong.
    package func checkUnchanged() throws {
        guard try stamp().hasContent(of: opened) else {
            throw ImageError.damaged(
                "\(path) was written to after dray had opened it; start dray again when nobody writes to it any more")
        }
    }

    /// Another descriptor of a file that is open.
    package convenience init(sharing descriptor: Int32, path: String) throws {
        let copy = try systemCall("open", path) { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
        try self.init(taking: copy, path: path)
    }

    deinit { close(descriptor) }

    private static func open(_ path: String) throws -> Int32 {
        do {
            // Nobody may ever write to a pipe that lies where a file should.
            return try DirectoryHandle.openExisting(path, O_NONBLOCK | O_NOCTTY)
        } catch let error as ImageError {
            throw Self.explained(error)
        }
    }

    /// What the system's refusal to open something means where a file has to be.
    package static func explained(_ error: ImageError) -> ImageError {
        guard let failure = error.cause as? SystemFailure else { return error }
        return switch failure.errno {
        case ENXIO: .damaged("\(failure.path) is a pipe, device or socket, where a file has to be")
        case ELOOP: .damaged("\(failure.path) is a link that leads back to itself, where a file has to be")
        default: error
        }
    }

    /// - Returns: how many bytes were read; 0 at the end of the file.
    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try systemCall("read", path) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }
}
