import ByteStreams
import ImageModel
import TarArchive

/// The tar that is written: a file beside its final name, or a stream: standard output, a named pipe, a device.
///
/// Used by one blob at a time; the destination's lock and its limit of one blob see to that.
final class ArchiveOutput: ByteSink, @unchecked Sendable {
    private let sink: any ByteSink
    private let file: StagedFile?
    private let title: String
    /// Whether a stream took less than it should have: what follows would be nonsense.
    private(set) var isBroken = false

    /// - Parameter path: `-` for standard output; a link is followed, if it is trusted.
    init(path: String) throws {
        guard path != "-" else {
            title = "standard output"
            file = nil
            sink = DescriptorSink.standardOutput()
            return
        }
        let place = try FilePlace(path, followingLinks: true)
        title = place.path
        guard try !Self.isStream(path) else {
            file = nil
            sink = try DescriptorSink(writing: place)
            return
        }
        guard try place.kind != .directory else {
            throw ImageError.refused("\(path) is a directory: name a file in it for the archive")
        }
        let staged = try StagedFile(beside: place)
        file = staged
        sink = staged
    }

    /// Whether the bytes go out at once, so that nothing can be changed afterwards.
    static func isStream(_ path: String) throws -> Bool { try path == "-" || fileKind(path) == .other }

    var position: Int64 { file?.count ?? 0 }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try sink.write(bytes)
        } catch {
            if file == nil { isBroken = true }
            throw error
        }
    }

    func directory(_ path: String) throws {
        try write(TarFormat.header(path: path + "/", size: 0, isDirectory: true))
    }

    func file(_ path: String, _ bytes: [UInt8]) throws {
        try write(TarFormat.header(path: path, size: Int64(bytes.count), isDirectory: false))
        try write(bytes)
        try write(TarFormat.padding(after: Int64(bytes.count)))
    }

    func write(_ files: [ArchiveFile]) throws {
        for file in files {
            try write(TarFormat.header(path: file.path, size: file.size, isDirectory: false))
            try file.write(to: self)
            try write(TarFormat.padding(after: file.size))
        }
    }

    func patch(at offset: Int64, _ bytes: [UInt8]) throws { try file?.patch(at: offset, bytes) }

    /// Forgets everything from `offset` on, if it still is the end.
    func forget(from offset: Int64, to end: Int64) throws {
        guard let file else {
            isBroken = true
            return
        }
        if file.count == end { try file.truncate(to: offset) }
    }

    /// Whether bytes can be changed, or taken back.
    var isFile: Bool { file != nil }

    func close() throws { try write(TarFormat.end) }

    /// Gives a file its name.
    ///
    /// - Parameter mayReplace: whether it may take the place of another one.
    func commit(mayReplace: Bool) throws {
        guard let file else { return }
        guard !mayReplace else { return try file.commit() }
        guard try file.commitIfAbsent() else {
            throw ImageError.refused(
                "\(title): a file of this name appeared during the copy, and was kept; give the archive another name")
        }
    }

    func cancel() { file?.cancel() }

    func written(from offset: Int64, length: Int64) throws -> any ByteSource {
        guard let file else {
            throw ImageError.refused(
                "a blob was written to \(title) before its role was known, and cannot be changed there: put the "
                    + "archive into a file first")
        }
        return try file.written(from: offset, length: length)
    }
}
