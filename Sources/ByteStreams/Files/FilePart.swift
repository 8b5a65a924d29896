/// A part of an open file: bytes that the system can move without showing them to us.
package struct FilePart: Sendable {
    package let file: OpenFile
    package let offset: Int64
    package let length: Int64
}

/// A source that may be nothing but a part of a file.
package protocol FileBackedSource: ByteSource {
    /// What is left to be read of it; nil if it does not lie in a file as it is. Blocks.
    func filePart() throws -> FilePart?
}

extension FileSource: FileBackedSource {
    package func filePart() -> FilePart? { FilePart(file: file, offset: position, length: end - position) }
}
