import Glibc
import ImageModel

/// The bytes of a file, or of a part of it.
package final class FileSource: ByteSource {
    package let file: OpenFile
    private(set) var position: Int64
    let end: Int64

    /// - Parameter length: bytes; nil for all that follow `offset`.
    package init(_ file: OpenFile, offset: Int64 = 0, length: Int64? = nil) {
        self.file = file
        position = offset
        end = length.map { offset + $0 } ?? max(offset, file.size)
        // What is read in one go gains nothing by it.
        if end - offset > 128 << 10 {
            posix_fadvise(file.descriptor, off_t(offset), off_t(end - offset), POSIX_FADV_SEQUENTIAL)
        }
    }

    /// - Throws: `ImageError.damaged` if the file ends too early.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = min(Int64(buffer.count), end - position)
        guard wanted > 0 else { return 0 }
        let count = try file.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(wanted)]))
        guard count > 0 else {
            throw ImageError.damaged(
                "\(file.path) ends at byte \(position), \(end - position) bytes too early: it is truncated")
        }
        position += Int64(count)
        return count
    }
}

/// A whole small file; nil if there is none.
///
/// - Throws: `ImageError.limit` beyond `limit` bytes.
package func readFile(_ path: String, limit: Int) throws -> [UInt8]? {
    try OpenFile.ifThere(path).map { try FileSource($0).readAll(limit: limit, name: path) }
}

/// A part of an open file: bytes that the system can move without showing them to us.
package struct FilePart: Sendable {
    package let file: OpenFile
    package let offset: Int64
    package let length: Int64
}

/// A source that may be nothing but a part of a file.
package protocol FileBackedSource: ByteSource {
    /// The part of a file that is still to be read; nil if the bytes are not in a file as they are. Blocks.
    func filePart() throws -> FilePart?
}

extension FileSource: FileBackedSource {
    package func filePart() -> FilePart? { FilePart(file: file, offset: position, length: end - position) }
}
