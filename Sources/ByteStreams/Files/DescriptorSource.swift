import Glibc

/// What comes through a descriptor that cannot be sought: standard input.
public final class DescriptorSource: ByteSource {
    private let descriptor: Int32
    private let name: String

    private init(_ descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    public static func standardInput() -> DescriptorSource { DescriptorSource(STDIN_FILENO, name: "standard input") }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try systemCall("read", name) { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }
}
