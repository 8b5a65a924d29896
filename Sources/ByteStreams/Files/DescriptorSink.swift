import Glibc

/// Standard output.
public final class DescriptorSink: ByteSink {
    private let descriptor: Int32
    private let name: String

    private init(_ descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    public static func standardOutput() -> DescriptorSink { DescriptorSink(STDOUT_FILENO, name: "standard output") }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        try writeAll(bytes, to: descriptor, path: name)
    }
}

/// - Parameter offset: nil to write where the file stands.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int64? = nil, path: String) throws {
    var written = 0
    while written < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
        written += try systemCall("write", path) {
            if let offset { return pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written)) }
            return Glibc.write(descriptor, rest.baseAddress, rest.count)
        }
    }
}
