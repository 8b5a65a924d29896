import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
package import ObjectStorage
import Synchronization

/// A store in a bucket. The keys are those of distribution's S3 driver: the paths of `StorePaths` below the prefix.
///
/// Every object comes into being whole. Nothing is ever decided by a listing while something is written.
package final class StoreBucket: StoreTree {
    package let place: BucketPlace
    let lock: BucketLock
    let uploads = BucketUploads()
    /// `https://host[:port]` from where clients fetch blobs; nil for the bucket's own endpoint.
    private let publicEndpoint: String?
    private let leftovers = Mutex<[String]>([])

    /// Where blobs lie whose digest is not known yet.
    static let staging = ".dray/bucket/staging"
    private static let released = ".dray/bucket/released"
    /// Seconds for which clients can use the URL of a blob, as with the original.
    private static let addressValidity = 1200

    /// - Parameter patience: time to wait for the end of a garbage collection; nil for as long as it takes.
    package init(_ place: BucketPlace, patience: Duration? = nil, publicEndpoint: String? = nil) {
        self.place = place
        self.publicEndpoint = publicEndpoint
        lock = BucketLock(place, patience: patience)
    }

    package var title: String { place.title }
    package var files: any FileTree { BucketTree(place) }
    package var layerMemory: LayerMemory? { .ofUser }

    func ask<T: Sendable>(_ body: @escaping @Sendable (Bucket) async throws -> T) throws -> T {
        try place.bucket.wait(body)
    }

    // MARK: Reading

    package func read(_ file: String, limit: Int) throws -> [UInt8]? {
        try place.read(file, limit: limit)
    }

    package func size(of file: String) throws -> Int64? { try place.info(file)?.size }
    package func modified(_ file: String) throws -> Int? { try place.info(file)?.lastModified }

    package func content(of file: String) throws -> StoredContent? {
        guard let size = try size(of: file) else { return nil }
        let key = place.key(file)
        return .object(
            StoredObject(
                size: size,
                open: { [place] range in
                    guard !range.isEmpty else { return BytesSource([]) }
                    guard let content = try place.bucket.wait({ try await $0.get(key, range: range) }) else {
                        throw ImageError.notFound("\(place.title) no longer has \(file)")
                    }
                    return content
                },
                address: { [place, publicEndpoint] in
                    try place.bucket.wait {
                        try await $0.presignedURL(key, validity: Self.addressValidity, endpoint: publicEndpoint)
                    }
                }))
    }

    package func list(_ directory: String) throws -> [String]? {
        let names = try place.names(in: directory)
        return names.isEmpty ? nil : names
    }

    /// The root counts as there: a bucket has no directories.
    package func hasDirectory(_ path: String) throws -> Bool {
        if path == StorePaths.standard.root { return true }
        let page = try ask { [key = place.key("\(path)/")] in try await $0.page(prefix: key, limit: 1) }
        return !page.objects.isEmpty
    }

    package func isThere(_ path: String) throws -> Bool { try size(of: path) != nil || hasDirectory(path) }

    package func repositories() throws -> [String]? {
        try place.repositories(in: StorePaths.standard.repositories).filter { ImageName.isRepository($0) }
    }

    package var isRemote: Bool { true }

    // MARK: The agreement with the garbage collection

    /// Asks only whether it is there: whoever refers to it makes sure afterwards that no collection ran beside it.
    package func keep(_ file: String) throws -> Int64? { try size(of: file) }

    package func readKept(_ file: String, limit: Int) throws -> [UInt8]? {
        if let known = lock.link(file) { return known }
        let bytes = try read(file, limit: limit)
        if let bytes { rememberLink(bytes, of: file) }
        return bytes
    }

    package func putKept(_ bytes: [UInt8], at file: String) throws {
        try put(bytes, at: file)
        rememberLink(bytes, of: file)
    }

    private func rememberLink(_ bytes: [UInt8], of file: String) {
        // Tags change. The others say the same for ever.
        guard file.contains("/_layers/") else { return }
        lock.remember(bytes, of: file)
    }

    package func keepLonger(_ files: Set<String>) {}
    package func whileLooking<T>(_ body: () throws -> T) throws -> T { try body() }

    package func whileUsing<T>(_ body: (_ isRepeated: Bool) throws -> T, then finish: (T) throws -> Void) throws -> T {
        var isRepeated = false
        while true {
            let generation = try lock.knownGeneration()
            let result = try body(isRepeated)
            if try lock.isCurrent(generation) {
                try finish(result)
                return result
            }
            isRepeated = true
        }
    }

    package func whileAlone<T>(_ body: () throws -> T) throws -> T { try body() }

    package func release(_ target: PackedDigest, in repository: String) throws {
        try place.put([], at: "\(Self.released)/\(target.hex)/\(repository)")
    }

    /// Work on many objects, several at once. Blocks. The results are in the items' order.
    func inParallel<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: @Sendable @escaping (Item, UnsafeMutableRawBufferPointer) throws -> Result
    ) throws -> [Result] {
        try ask { _ in try await FileTrees.inParallel(items, body) }
    }

    // MARK: Writing

    /// - Throws: `ImageError` where the bucket is missing or cannot be read.
    package func prepare() throws {
        try ask { try await $0.check() }
        _ = try lock.knownGeneration()
    }

    package func put(_ bytes: [UInt8], at file: String) throws { try place.put(bytes, at: file) }

    /// One after the other, in their order: a bucket has no directories.
    package func put(_ files: [(path: String, bytes: [UInt8])], inNew directory: String) throws -> Bool {
        for file in files { try put(file.bytes, at: "\(directory)/\(file.path)") }
        return true
    }

    package func writer(
        for target: BlobTarget, at file: @Sendable @escaping (Digest) -> String
    ) throws -> any BlobWriter {
        BlobInBucket(self, target, file)
    }

    package func makeDirectory(_ path: String) {}

    package func remove(_ file: String) throws -> Bool {
        guard try size(of: file) != nil else { return false }
        try place.remove(file)
        if file.contains("/_layers/") { try lock.change() }
        return true
    }

    package func remove(directory: String) throws {
        try remove(keys: place.objects(below: directory).map(\.key))
    }

    func remove(keys: [String]) throws {
        guard !keys.isEmpty else { return }
        try ask { try await $0.delete(keys) }
    }

    /// Removes objects that nobody looks for at the end of the run.
    func removeLater(_ key: String) { leftovers.withLock { $0.append(key) } }

    package func checkRemovable(in directory: String) {}

    package func close() {
        let keys = leftovers.withLock { keys in
            defer { keys = [] }
            return keys
        }
        // What stays is old one day, and goes with the unfinished uploads.
        try? remove(keys: keys)
    }

    package func settleQuarantine() -> String? { nil }

    // MARK: Uploads

    package func beginUpload(at directory: String) throws -> any UploadFile {
        try put(Array(Timestamp.rfc3339(place.bucket.now).utf8), at: "\(directory)/startedat")
        return try uploads.take(UploadInBucket(self, directory, BucketUploads.State()))
    }

    package func resumeUpload(at directory: String, size: Int64?) throws -> (any UploadFile)? {
        try uploads.checkIsFree(directory)
        if let size, let known = uploads.state(of: directory), known.size == size {
            return try uploads.take(UploadInBucket(self, directory, known, isRemembered: true))
        }
        guard let state = try BucketUploads.State(of: directory, in: place) else { return nil }
        return try uploads.take(UploadInBucket(self, directory, state))
    }

    package func uploadSize(at directory: String) throws -> Int64? {
        try BucketUploads.State(of: directory, in: place)?.size
    }

    package func dropOldParts(before time: Int, dryRun: Bool) throws -> Int {
        let prefix = place.key("\(StorePaths.standard.root)/"), staging = Self.staging
        let stale = try place.objects(below: staging).filter { $0.lastModified.map { $0 < time } ?? false }
        if !dryRun { try remove(keys: stale.map(\.key)) }
        return try ask { [place] bucket in
            var count = stale.count
            for prefix in [prefix, place.key("\(staging)/")] {
                if dryRun {
                    try await bucket.unfinishedUploads(prefix: prefix) { page in
                        count += page.count { $0.initiated.map { $0 < time } ?? false }
                    }
                } else {
                    count += try await bucket.abortUploads(prefix: prefix, before: time)
                }
            }
            return count
        }
    }

    /// What deletes have released, and the keys that tell. The time is that of the key, by the clock of all others.
    func releases() throws -> [(key: String, release: ReleaseList.Release)] {
        try place.objects(below: Self.released).compactMap { object in
            let fields = place.path(ofKey: object.key).dropFirst(Self.released.utf8.count + 1)
                .split(separator: "/", maxSplits: 1)
            guard fields.count == 2, let time = object.changed, let digest = PackedDigest(hex: fields[0]),
                ImageName.isRepository(String(fields[1]))
            else { return nil }
            return (object.key, ReleaseList.Release(time: time, repository: String(fields[1]), digest: digest))
        }
    }

    // MARK: The place

    package func freeSpace() -> Int64? { nil }
    package func writeObstacle() -> String? { nil }
    package func advice() -> [String] { [] }
}
