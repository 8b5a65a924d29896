import Glibc

/// A file that is open for as long as this lives. Read by offset, so many can read it at once.
public final class OpenFile: Sendable {
    public let path: String
    /// Bytes, when it was opened.
    public let size: Int64
    package let descriptor: Int32

    /// - Throws: `StreamError.io`; a directory cannot be read either. `StreamError.damaged` for what is no file.
    public convenience init(reading path: String) throws {
        try self.init(taking: try Self.open(path), path: path)
    }

    /// - Parameter descriptor: is closed by this, whatever comes.
    package init(taking descriptor: Int32, path: String) throws {
        self.path = path
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw StreamError.io(operation: "look at", path: path, errno: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw StreamError.damaged("\(path) is a pipe, device or socket, where a file has to be")
            }
            throw StreamError.io(operation: "read", path: path, errno: EISDIR)
        }
        size = Int64(status.st_size)
    }

    deinit { close(descriptor) }

    private static func open(_ path: String) throws -> Int32 {
        do {
            // Nobody may ever write to a pipe that lies where a file should.
            return try systemCall("open", path) { Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        } catch {
            throw Self.explained(error)
        }
    }

    /// What the system's refusal to open something means where a file has to be.
    package static func explained(_ error: StreamError) -> StreamError {
        switch error {
        case .io(_, let path, ENXIO): .damaged("\(path) is a pipe, device or socket, where a file has to be")
        case .io(_, let path, ELOOP): .damaged("\(path) is a link that leads back to itself, where a file has to be")
        default: error
        }
    }

    /// - Returns: how many bytes were read; 0 at the end of the file.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try systemCall("read", path) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }
}
