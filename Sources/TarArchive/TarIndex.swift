package import ByteStreams
import ImageModel

/// The table of contents of a plain tar on disk, made by one run over its headers. Members are read by
/// their offset, many at once.
package final class TarIndex: Sendable {
    package let file: OpenFile
    package let members: TarMembers

    /// - Throws: `ImageError.damaged` if it is no tar, or ends inside of a member.
    package init(_ file: OpenFile, name: String) throws {
        self.file = file
        var builder = TarMembers.Builder()
        let reader = try TarReader(file: file, name: name)
        while let entry = try reader.next() {
            if entry.kind == .file, entry.size > file.size - entry.dataOffset {
                throw ImageError.damaged(
                    "\(name) is truncated: \(entry.path) begins at byte \(entry.dataOffset) and has \(entry.size) bytes, "
                        + "but the archive ends at \(file.size)")
            }
            builder.add(entry)
        }
        members = builder.build(name: name)
    }

    /// A member's bytes.
    package func open(_ entry: TarEntry) -> FileSource {
        FileSource(file, offset: entry.dataOffset, length: entry.size)
    }
}
