import ByteStreams
import Glibc
import TarArchive

/// The tar that is written: a file beside its final name, or standard output.
///
/// Used by one blob at a time; the destination's lock and its limit of one blob see to that.
final class ArchiveOutput: @unchecked Sendable {
    private let sink: any ByteSink
    private let file: StagedFile?
    private let finalPath: String?

    init() {
        sink = DescriptorSink.standardOutput()
        file = nil
        finalPath = nil
    }

    init(path: String) throws {
        let file = try StagedFile(in: parent(of: path), prefix: ".\(lastComponent(of: path)).")
        self.file = file
        sink = file
        finalPath = path
    }

    /// Whether headers can be written after what follows them.
    var isPatchable: Bool { file != nil }
    var position: Int64 { file?.count ?? 0 }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try sink.write(bytes) }
    func write(_ bytes: [UInt8]) throws { try sink.write(bytes) }

    func directory(_ path: String) throws {
        try write(TarFormat.header(path: path + "/", size: 0, isDirectory: true))
    }

    func file(_ path: String, _ bytes: [UInt8]) throws {
        try write(TarFormat.header(path: path, size: Int64(bytes.count), isDirectory: false))
        try write(bytes)
        try write(TarFormat.padding(after: Int64(bytes.count)))
    }

    func write(_ files: [(path: String, bytes: [UInt8])]) throws {
        for file in files { try self.file(file.path, file.bytes) }
    }

    func patch(at offset: Int64, _ bytes: [UInt8]) throws { try file?.patch(at: offset, bytes) }

    /// Forgets everything from `offset` on, if it still is the end.
    func forget(from offset: Int64, to end: Int64) throws {
        if let file, file.count == end { try file.truncate(to: offset) }
    }

    func finish() throws {
        try write(TarFormat.end)
        if let file, let finalPath { try file.commit(to: finalPath) }
    }

    func cancel() { file?.cancel() }

    func written(from offset: Int64, length: Int64) throws -> any ByteSource {
        FileSource(try OpenFile(reading: file?.path ?? "standard output"), offset: offset, length: length)
    }
}
