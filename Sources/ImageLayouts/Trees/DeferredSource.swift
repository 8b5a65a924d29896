import ByteStreams

/// Opens what it reads at the first read, on the thread that reads.
final class DeferredSource: FileBackedSource {
    private let open: () throws -> any ByteSource
    private var upstream: (any ByteSource)?

    init(_ open: @escaping () throws -> any ByteSource) { self.open = open }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try opened().read(into: buffer) }

    func filePart() throws -> FilePart? { try (opened() as? any FileBackedSource)?.filePart() }

    private func opened() throws -> any ByteSource {
        let source = try upstream ?? open()
        upstream = source
        return source
    }
}
