import ByteStreams

/// Opens what it reads at the first read, on the thread that reads.
final class DeferredSource: ByteSource {
    private let open: () throws -> any ByteSource
    private var upstream: (any ByteSource)?

    init(_ open: @escaping () throws -> any ByteSource) { self.open = open }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let source = try upstream ?? open()
        upstream = source
        return try source.read(into: buffer)
    }
}
