import ByteStreams
import Glibc
package import ImageModel
import Synchronization

/// Which compressed blob holds which tar, as far as dray itself has verified that.
///
/// A config's word for it is not taken: an image that claims another's diffID would put its own layer in that
/// one's place. The memory is a small file, appended to when there is something new:
///
/// ```
/// dray layers 1 <inode of the file> <inode of its directory>
/// <diffID> gzip <digest> <size>
/// ```
/// It may be lost at any time: then layers are read once more. The first line ties the file to itself, so that
/// what came along in a directory from elsewhere counts for nothing.
package final class LayerMemory: Sendable {
    private struct Key: Hashable {
        var diffID: Digest
        var compression: LayerCompression
    }

    private struct State {
        var isLoaded = false
        var layers: [Key: [Descriptor]] = [:]
        /// Lines that are not in the file yet.
        var news: [String] = []
        /// Whether the file can be appended to; else it is made anew.
        var isUsable = false
        var endsInLine = true

        /// - Returns: whether it is new.
        mutating func add(_ layer: Descriptor, _ compression: LayerCompression, _ diffID: Digest) -> Bool {
            let key = Key(diffID: diffID, compression: compression)
            guard layers[key]?.contains(where: { $0.digest == layer.digest }) != true else { return false }
            layers[key, default: []].append(layer.plain)
            return true
        }
    }

    /// Bytes of the file; one that is larger is begun anew.
    private static let sizeLimit = 8 << 20

    /// What the file lies in, be it for the most part still to be made.
    private let root: LazyDirectory
    /// Below the root.
    private let path: String
    /// Whether it is the user's own, and nobody else's to read.
    private let isPrivate: Bool
    private let state = Mutex(State())

    private init(_ path: String, below root: String, isPrivate: Bool) {
        self.path = path
        self.root = LazyDirectory(root)
        self.isPrivate = isPrivate
    }

    /// Of a directory that images are written to.
    package convenience init(place root: String) {
        self.init(".dray/layers", below: root, isPrivate: false)
    }

    /// Of the user's own, for registries; nil without a home.
    package static let ofUser: LayerMemory? = {
        func directory(_ variable: String) -> String? {
            getenv(variable).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        return (directory("XDG_CACHE_HOME") ?? directory("HOME").map { "\($0)/.cache" }).map {
            LayerMemory("dray/layers", below: $0, isPrivate: true)
        }
    }()

    /// What is known to hold a tar in this form: digest and size, the media type is the caller's.
    package func layers(of diffID: Digest, _ compression: LayerCompression) -> [Descriptor] {
        state.withLock { state in
            load(&state)
            return state.layers[Key(diffID: diffID, compression: compression)] ?? []
        }
    }

    /// - Parameter layer: was verified to hold the tar.
    func remember(_ layer: Descriptor, as compression: LayerCompression, of diffID: Digest) {
        guard layer.size >= 0, compression != .none else { return }
        state.withLock { state in
            load(&state)
            guard state.add(layer, compression, diffID) else { return }
            state.news.append("\(diffID) \(compression.rawValue) \(layer.digest) \(layer.size)\n")
        }
    }

    /// Writes what is new. A memory that cannot be written is no reason to fail.
    func save() {
        state.withLock { state in
            guard !state.news.isEmpty else { return }
            let lines = state.news.joined()
            state.news = []
            if state.isUsable, let file = (try? root.ifThere()?.fileToChange(path, O_APPEND)) ?? nil {
                defer { close(file) }
                try? write((state.endsInLine ? "" : "\n") + lines, file)
                state.endsInLine = true
            } else if (try? begin(lines)) != nil {
                state.isUsable = true
            }
        }
    }

    // MARK: The file

    private func begin(_ lines: String) throws {
        let root = try root.made()
        let ownership = isPrivate ? Ownership.own : try Ownership(of: root)
        try root.makeDirectory(parent(of: path), ownership: ownership, mode: isPrivate ? 0o700 : 0o777)
        try root.removeFile(path)
        let file = try root.makeFile(path, ownership: ownership, mode: isPrivate ? 0o600 : 0o666)
        defer { close(file) }
        try write(heading(of: file) + "\n" + lines, file)
    }

    private func write(_ text: String, _ file: Int32) throws {
        let bytes = Array(text.utf8)
        // In one call, so that the lines of several processes do not mix.
        try systemCall("write", path) { bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } }
    }

    /// What no copy of the file has in common with it: where it and its directory lie on the disk.
    private func heading(of file: Int32) -> String {
        var own = stat()
        guard fstat(file, &own) == 0, let directory = (try? root.ifThere()?.status(parent(of: path))) ?? nil else {
            return ""
        }
        return "dray layers 1 \(own.st_ino) \(directory.identity.inode)"
    }

    private func load(_ state: inout State) {
        guard !state.isLoaded else { return }
        state.isLoaded = true
        guard let file = (try? root.ifThere()?.file(path)) ?? nil else { return }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0, !isPrivate || status.st_uid == geteuid(),
            let bytes = try? FileSource(file).readAll(limit: Self.sizeLimit, name: file.path)
        else { return }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let heading = heading(of: file.descriptor)
        guard !heading.isEmpty, lines.removeFirst().elementsEqual(heading.utf8) else { return }
        state.isUsable = true
        state.endsInLine = lines.last?.isEmpty ?? false
        for line in lines {
            let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            // A line that a crash cut short is worth nothing.
            guard words.count == 4, let diffID = Digest(words[0]),
                let compression = LayerCompression(rawValue: words[1]), let digest = Digest(words[2]),
                let size = Int64(words[3]), (0...Descriptor.sizeLimit).contains(size)
            else { continue }
            _ = state.add(Descriptor(untyped: digest, size: size), compression, diffID)
        }
    }
}
