import Glibc

/// What cannot be sought, to be written: standard output, a named pipe, a device.
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
