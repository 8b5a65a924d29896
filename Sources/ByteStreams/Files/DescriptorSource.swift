import Glibc
import ImageModel

/// What comes through a descriptor that cannot be sought: standard input, a named pipe, a device.
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
