package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer

/// The files of a store, to be read and written, wherever they lie: in a directory (`StoreDirectory`) or in a bucket
/// (`StoreBucket`).
///
/// Paths are relative to the store's root, and those of `StorePaths` for every kind. Calls block. The requirements are
/// what a store needs done, not how a file system does it: a bucket has no rename, no touch and no directories, and a
/// directory need not list everything to find one file.
package protocol StoreTree: Sendable {
    /// The root, for messages.
    var title: String { get }
    /// The files, for those who only read.
    var files: any FileTree { get }

    // MARK: Reading

    /// A whole small file; nil if there is none.
    func read(_ file: String, limit: Int) throws -> [UInt8]?
    /// Bytes; nil if there is no such file.
    func size(of file: String) throws -> Int64?
    /// A file to be served from where it lies; nil if there is none.
    func content(of file: String) throws -> StoredContent?
    /// The time of the last write in seconds since 1970; nil if there is no such file.
    func modified(_ file: String) throws -> Int?
    /// The names directly below a directory, sorted; nil if there is none.
    func list(_ directory: String) throws -> [String]?
    func hasDirectory(_ path: String) throws -> Bool
    /// Whether anything has that name.
    func isThere(_ path: String) throws -> Bool
    /// The names of all repositories, and of directories that seem to be one, sorted component by component; nil where
    /// they are found by walking.
    func repositories() throws -> [String]?
    /// Whether each call asks another machine, so that one list is as quick as one look-up.
    var isRemote: Bool { get }

    // MARK: The agreement with the garbage collection

    /// Keeps the garbage collection from deleting a file for its grace time.
    ///
    /// - Returns: bytes; nil if it is not there.
    func keep(_ file: String) throws -> Int64?
    /// Keeps a small file likewise, and reads it; nil if there is none.
    func readKept(_ file: String, limit: Int) throws -> [UInt8]?
    /// Keeps a small file that has these bytes already, and else puts it.
    func putKept(_ bytes: [UInt8], at file: String) throws
    /// Keeps files again that this run still counts on.
    func keepLonger(_ files: Set<String>) throws
    /// Runs `body` while nothing is collected, for those who look and touch.
    func whileLooking<T>(_ body: () throws -> T) throws -> T
    /// Looks at something and writes what refers to it, with no garbage collection in between.
    ///
    /// - Parameters:
    ///   - body: looks, and writes. It runs again where a collection ran beside it: `isRepeated` tells, and then it takes
    ///     back what it wrote before if what that refers to is gone.
    ///   - finish: writes what refers to what `body` wrote.
    func whileUsing<T>(_ body: (_ isRepeated: Bool) throws -> T, then finish: (T) throws -> Void) throws -> T
    /// Runs `body` while nobody else looks, uses or collects.
    func whileAlone<T>(_ body: () throws -> T) throws -> T
    /// Notes that the garbage collection need not wait for the grace time of a manifest or blob. Called within `whileAlone`.
    func release(_ target: PackedDigest, in repository: String) throws

    // MARK: Writing

    /// Makes the root and what belongs to every store.
    ///
    /// - Throws: `ImageError` where that cannot be written.
    func prepare() throws
    /// Puts a whole file, which lasts, over whatever has that name.
    func put(_ bytes: [UInt8], at file: String) throws
    /// Puts several files below a directory that is not there yet: whoever lists it finds all of them.
    ///
    /// - Parameter files: paths below the directory.
    /// - Returns: false if the directory is there already.
    func put(_ files: [(path: String, bytes: [UInt8])], inNew directory: String) throws -> Bool
    /// A file that gets its name from its content, at the end.
    ///
    /// - Parameters:
    ///   - target: what is known of it.
    ///   - place: the path of the file of a SHA-256 digest.
    func writer(for target: BlobTarget, at place: @Sendable @escaping (Digest) -> String) throws -> any BlobWriter
    /// Shows an empty directory to others, where there are directories.
    func makeDirectory(_ path: String) throws
    /// Deletes a file; whether there was one.
    @discardableResult func remove(_ file: String) throws -> Bool
    /// Deletes a directory, so that nobody finds a part of it.
    func remove(directory: String) throws
    /// Whether what is in a directory can be deleted.
    ///
    /// - Throws: `ImageError` if it cannot.
    func checkRemovable(in directory: String) throws
    /// Ends a run of writing.
    func close()
    /// Ends the run's quarantine.
    ///
    /// - Returns: its name; nil if nothing was put there.
    func settleQuarantine() throws -> String?

    // MARK: Uploads

    /// Begins an upload: a blob that comes in several requests.
    func beginUpload(at directory: String) throws -> any UploadFile
    /// Goes on with an upload.
    ///
    /// - Parameter size: bytes that its client thinks have arrived; nil if it does not say.
    /// - Returns: nil if there is none.
    /// - Throws: `UploadBusy` while somebody else writes to it.
    func resumeUpload(at directory: String, size: Int64?) throws -> (any UploadFile)?
    /// Drops the parts of uploads that were begun before a time, in seconds since 1970, and that nothing else leads to.
    ///
    /// - Returns: how many.
    func dropOldParts(before time: Int, dryRun: Bool) throws -> Int
    /// Bytes of an upload, whoever may be writing to it; nil if there is none.
    func uploadSize(at directory: String) throws -> Int64?

    // MARK: The place

    /// Bytes that can still be written; nil if that cannot be told.
    func freeSpace() throws -> Int64?
    /// The reason why nothing can be written; nil if nothing is in the way.
    func writeObstacle() -> String?
    /// What a user has to know after a change.
    func advice() -> [String]
    /// Layers that this place is known to have; nil where none are remembered.
    var layerMemory: LayerMemory? { get }
}

extension StoreTree {
    func whileUsing<T>(_ body: () throws -> T) throws -> T { try whileUsing({ _ in try body() }, then: { _ in }) }
    func whileUsing<T>(_ body: (_ isRepeated: Bool) throws -> T) throws -> T { try whileUsing(body, then: { _ in }) }
}

/// A file of a store as it is served.
package enum StoredContent: Sendable {
    case file(OpenFile)
    case object(StoredObject)

    /// Bytes.
    package var size: Int64 {
        switch self {
        case .file(let file): file.size
        case .object(let object): object.size
        }
    }
}

/// A file that is not on this machine.
package struct StoredObject: Sendable {
    /// Bytes.
    package var size: Int64
    /// Reads a part of it. Blocks.
    package var open: @Sendable (_ range: Range<Int64>) throws -> any ByteSource
    /// A URL from where a client can fetch all of it, for a while. Blocks.
    package var address: @Sendable () throws -> String
}
