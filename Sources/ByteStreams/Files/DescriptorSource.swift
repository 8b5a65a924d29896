import Glibc

/// What comes through a descriptor that cannot be sought: standard input, a named pipe, a device.
public final class DescriptorSource: ByteSource {
    private let descriptor: Int32
    private let name: String
    private let isOwn: Bool

    package init(_ descriptor: Int32, name: String, isOwn: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        self.isOwn = isOwn
    }

    public static func standardInput() -> DescriptorSource {
        DescriptorSource(STDIN_FILENO, name: "standard input", isOwn: false)
    }

    /// Waits until somebody writes to a named pipe.
    public convenience init(reading path: String) throws {
        let descriptor = try systemCall("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        self.init(descriptor, name: path, isOwn: true)
    }

    deinit { if isOwn { close(descriptor) } }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try systemCall("read", name) { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }
}
