package import ByteStreams

/// Opens what it reads at the first read, on the thread that reads.
package final class DeferredSource: FileBackedSource {
    private let open: () throws -> any ByteSource
    private var upstream: (any ByteSource)?

    package init(_ open: @escaping () throws -> any ByteSource) { self.open = open }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try opened().read(into: buffer) }

    package func filePart() throws -> FilePart? { try (opened() as? any FileBackedSource)?.filePart() }

    private func opened() throws -> any ByteSource {
        let source = try upstream ?? open()
        upstream = source
        return source
    }
}
