import Glibc
import ImageModel

/// Reads a descriptor without offsets: standard input, a named pipe, a device.
package final class DescriptorSource: ByteSource {
    private let descriptor: Int32
    private let name: String
    private let isOwn: Bool

    package init(_ descriptor: Int32, name: String, isOwn: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        self.isOwn = isOwn
    }

    package static func standardInput() -> DescriptorSource {
        DescriptorSource(STDIN_FILENO, name: "standard input", isOwn: false)
    }

    /// Opens a pipe or a device; as root, over trusted links only. Waits until somebody writes to a named pipe.
    ///
    /// - Throws: `ImageError.damaged` for a file, which may have come there by now.
    package convenience init(reading path: String) throws {
        // To open a device or a pipe has effects: whether links are trusted shows first.
        close(try DirectoryHandle.openExisting(path, lookOnly))
        let descriptor = try DirectoryHandle.openExisting(path, O_NOCTTY)
        self.init(descriptor, name: path, isOwn: true)
        guard try FileStamp(of: descriptor, path: path).kind == .other else {
            throw ImageError.damaged("\(path) was a pipe or a device, and is none any more; run the command again")
        }
    }

    deinit { if isOwn { close(descriptor) } }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try systemCall("read", name) { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }
}

/// Writes to a descriptor without offsets: standard output, a named pipe, a device.
package final class DescriptorSink: ByteSink {
    private let descriptor: Int32
    private let name: String
    private let isOwn: Bool

    private init(_ descriptor: Int32, name: String, isOwn: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.isOwn = isOwn
    }

    package static func standardOutput() -> DescriptorSink {
        DescriptorSink(STDOUT_FILENO, name: "standard output", isOwn: false)
    }

    /// Waits until somebody reads from a named pipe.
    package convenience init(writing place: FilePlace) throws {
        self.init(try place.openStream(), name: place.path, isOwn: true)
    }

    deinit { if isOwn { close(descriptor) } }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        try writeAll(bytes, to: descriptor, path: name)
    }
}

/// - Parameter offset: nil to write where the file stands.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int64? = nil, path: String)
    throws
{
    var written = 0
    while written < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
        written += try systemCall("write", path) {
            if let offset { return pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written)) }
            return Glibc.write(descriptor, rest.baseAddress, rest.count)
        }
    }
}

/// Files that are written at once, or not at all.
package enum WholeFile {
    /// - Parameter path: a link is followed, if it is trusted; a pipe or a terminal is written to.
    /// - Throws: `ImageError.io`.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let place = try FilePlace(path, followingLinks: true)
        if try fileKind(path) == .other {
            try DescriptorSink(writing: place).write(bytes)
        } else {
            let file = try StagedFile(beside: place)
            try file.write(bytes)
            try file.commit()
        }
    }
}
