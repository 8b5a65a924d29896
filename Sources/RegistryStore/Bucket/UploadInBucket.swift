import ByteStreams
import ImageModel
import ObjectStorage
import Synchronization

/// The uploads of a bucket that this process knows of, so that most requests need not ask where an upload stands.
final class BucketUploads: Sendable {
    /// Where an upload stands.
    ///
    /// ```
    /// _uploads/<uuid>/startedat              when it began: RFC 3339, in UTC
    /// _uploads/<uuid>/data                   an unfinished upload in parts, of all bytes but the last ones
    /// _uploads/<uuid>/rest-<offset>-<uuid>   the last ones: an object, since a part has at least 5 MiB
    /// ```
    /// Nothing of it is ever overwritten, so whoever knows these keys and parts knows the bytes.
    struct State: Sendable {
        var upload: MultipartUpload?
        var parts: [UploadedPart] = []
        var rest: (key: String, size: Int64)?
        /// Keys that are no longer needed.
        var garbage: [String] = []

        var partsSize: Int64 { parts.reduce(0) { $0 + $1.size } }
        var size: Int64 { partsSize + (rest?.size ?? 0) }
    }

    private struct Table {
        var active: Set<String> = []
        var known: [String: State] = [:]
    }

    private static let limit = 4096
    private let table = Mutex(Table())

    func state(of directory: String) -> State? { table.withLock { $0.known[directory] } }

    /// - Throws: `UploadBusy`.
    func checkIsFree(_ directory: String) throws {
        if table.withLock({ $0.active.contains(directory) }) { throw UploadBusy() }
    }

    /// - Throws: `UploadBusy` while another request of this process writes to it. Those of other processes spoil the upload
    ///   at worst, which then has another digest.
    func take(_ upload: UploadInBucket) throws -> UploadInBucket {
        guard table.withLock({ $0.active.insert(upload.directory).inserted }) else { throw UploadBusy() }
        upload.isTaken = true
        return upload
    }

    /// - Parameter state: nil for an upload that is gone.
    func giveBack(_ directory: String, _ state: State?) {
        table.withLock { table in
            table.active.remove(directory)
            if table.known.count >= Self.limit, let some = table.known.keys.first { table.known[some] = nil }
            table.known[directory] = state
        }
    }
}

extension BucketUploads.State {
    /// Finds out where an upload stands.
    ///
    /// - Returns: nil if there is none.
    init?(of directory: String, in place: BucketPlace) throws {
        self.init()
        let objects = try place.objects(below: directory)
        guard !objects.isEmpty else { return nil }
        let data = place.key("\(directory)/data")
        upload = try place.bucket.wait { bucket in
            var found: [UnfinishedUpload] = []
            try await bucket.unfinishedUploads(prefix: data) { page in found += page.filter { $0.key == data } }
            let first = found.min { ($0.initiated ?? 0, $0.id) < ($1.initiated ?? 0, $1.id) }
            return first.map { bucket.upload(data, id: $0.id) }
        }
        if let upload { parts = try place.bucket.wait { _ in try await upload.parts() } }
        garbage = objects.map(\.key)
        if let whole = objects.first(where: { $0.key == data }) {
            (upload, parts, rest) = (nil, [], (whole.key, whole.size))
            return
        }
        let end = partsSize
        let rests = objects.filter { object in
            let name = lastComponent(of: object.key).split(separator: "-", maxSplits: 2)
            return name.first == "rest" && name.count == 3 && Int64(name[1]) == end
        }
        if let latest = rests.max(by: { ($0.lastModified ?? 0, $0.size) < ($1.lastModified ?? 0, $1.size) }) {
            rest = (latest.key, latest.size)
        }
    }
}

/// An upload to a store in a bucket.
final class UploadInBucket: UploadFile {
    let directory: String
    private let tree: StoreBucket
    private var state: BucketUploads.State
    /// Takes what is appended; what of it has been sent is in `state` only after `pause`.
    private var writer: ObjectWriter?
    /// Bytes before those that the writer has taken.
    private var start: Int64 = 0
    private var isGone = false
    /// Whether the state is what this process knew of it, and another one may have gone on.
    private var isRemembered: Bool
    /// The bytes on this machine, too, where somebody reads them while they arrive.
    private var spool: OpenFile?
    fileprivate(set) var isTaken = false

    init(_ tree: StoreBucket, _ directory: String, _ state: BucketUploads.State, isRemembered: Bool = false) {
        self.isRemembered = isRemembered
        self.tree = tree
        self.directory = directory
        self.state = state
    }

    deinit { close() }

    private var data: String { tree.place.key("\(directory)/data") }
    var size: Int64 { writer.map { start + $0.count } ?? state.size }

    func close() {
        guard isTaken else { return }
        isTaken = false
        writer?.suspend()
        // What was appended after the last pause is lost.
        let isKnown = !isGone && writer == nil
        tree.uploads.giveBack(directory, isKnown ? state : nil)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        if let spool { try writeAll(bytes, to: spool.descriptor, at: size, path: spool.path) }
        try resumedWriter().write(bytes)
    }

    private func resumedWriter() throws -> ObjectWriter {
        if let writer { return writer }
        let new = tree.place.bucket.writer(data, resuming: state.upload, parts: state.parts)
        start = state.partsSize
        if let rest = state.rest {
            guard rest.size <= tree.place.bucket.partSize,
                let bytes = try tree.ask({ try await $0.bytes(rest.key, limit: Int(rest.size)) })
            else {
                throw ImageError.damaged("\(tree.title): the upload \(lastComponent(of: directory)) cannot go on")
            }
            try new.write(bytes)
            state.garbage.append(rest.key)
            state.rest = nil
        }
        writer = new
        return new
    }

    func pause() throws {
        guard let writer else { return }
        let (upload, parts, rest) = try writer.pause()
        (state.upload, state.parts) = (upload, parts)
        if !rest.isEmpty {
            let key = tree.place.key("\(directory)/rest-\(state.partsSize)-\(uniqueName())")
            try tree.ask { try await $0.put(key, rest) }
            state.rest = (key, Int64(rest.count))
        }
        self.writer = nil
    }

    func stamp() -> UploadStamp {
        UploadStamp(size: size, text: "\(state.rest?.key ?? "") \(state.parts.last?.etag ?? "") \(state.parts.count)")
    }

    /// Ends the upload in parts: only then can somebody read it.
    private func store() throws -> (key: String, size: Int64)? {
        if let writer {
            if writer.isStarted {
                let count = size
                try writer.commit()
                state = BucketUploads.State(rest: (data, count), garbage: state.garbage)
                self.writer = nil
            } else {
                try pause()
            }
        } else if let upload = state.upload {
            let count = size
            var parts = state.parts
            if let rest = state.rest, let bytes = try tree.ask({ try await $0.bytes(rest.key, limit: Int(rest.size)) })
            {
                let number = (parts.last?.number ?? 0) + 1
                parts.append(try tree.ask { _ in try await upload.put(number, bytes) })
                state.garbage.append(rest.key)
            }
            try tree.ask { [parts] _ in try await upload.complete(parts) }
            state = BucketUploads.State(rest: (data, count), garbage: state.garbage)
        }
        return state.rest
    }

    func source() throws -> any ByteSource {
        if let spool { return FileSource(spool, offset: 0, length: size) }
        guard let stored = try tellingOfChanges({ try store() }) else { return BytesSource([]) }
        guard let content = try tree.ask({ try await $0.get(stored.key) }), content.length == stored.size else {
            throw ImageError.damaged("\(tree.title): the bytes of the upload \(lastComponent(of: directory)) are gone")
        }
        return content
    }

    func reader() throws -> OpenFile {
        if let spool { return spool }
        guard size == 0 else {
            throw ImageError.refused("\(tree.title): an upload that has begun cannot be read while it arrives")
        }
        let new = try OpenFile.temporary()
        spool = new
        return new
    }

    func refresh() throws {
        guard let found = try BucketUploads.State(of: directory, in: tree.place) else {
            throw ImageError.notFound("\(tree.title): the upload \(lastComponent(of: directory)) is gone")
        }
        (state, isRemembered, writer) = (found, false, nil)
    }

    func publish(at file: String, link: () throws -> Void) throws {
        try tellingOfChanges { try move(to: tree.place.key(file)) }
        try link()
    }

    /// What the server refuses may be there no longer in the way that this process remembers.
    private func tellingOfChanges<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as ImageError where isRemembered && error.errno == nil {
            throw UploadChanged()
        }
    }

    private func move(to final: String) throws {
        if let writer, !writer.isStarted {
            try writer.commit(as: final)
            self.writer = nil
            state.rest = nil
        } else if let stored = try store() {
            try tree.ask { try await $0.copy(stored.key, to: final, size: stored.size) }
            state.garbage.append(stored.key)
        } else {
            try tree.ask { try await $0.put(final, []) }
        }
    }

    func remove() throws {
        isGone = true
        writer?.abort()
        writer = nil
        let keys = [tree.place.key("\(directory)/startedat")] + state.garbage + [state.rest?.key].compactMap { $0 }
        if let upload = state.upload { try tree.ask { _ in try await upload.abort() } }
        try tree.remove(keys: Set(keys).sorted())
    }
}
