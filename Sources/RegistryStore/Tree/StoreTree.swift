package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer

/// The files of a store, to be read and written, wherever they lie. A directory is one kind: `StoreDirectory`.
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
    func file(_ path: String) throws -> OpenFile?
    /// The time of the last write in seconds since 1970; nil if there is no such file.
    func modified(_ file: String) throws -> Int?
    /// The names directly below a directory, sorted; nil if there is none.
    func list(_ directory: String) throws -> [String]?
    func hasDirectory(_ path: String) throws -> Bool
    /// Whether anything has that name.
    func isThere(_ path: String) throws -> Bool

    // MARK: The agreement with the garbage collection

    /// Keeps the garbage collection from deleting a file for its grace time.
    ///
    /// - Returns: whether the file is there.
    func touch(_ file: String) throws -> Bool
    /// Runs `body` while nothing is collected, for those who look and touch.
    func whileLooking<T>(_ body: () throws -> T) throws -> T
    /// Runs `body` while nothing is collected, for those who write what refers to something that they saw.
    func whileUsing<T>(_ body: () throws -> T) throws -> T
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
    ///   - replaces: whether a file of that name and size is damaged, and has to go.
    ///   - place: the path of the file.
    func writer(replaces: Bool, at place: @Sendable @escaping (Digest) -> String) throws -> any BlobWriter
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
    /// - Returns: nil if there is none.
    /// - Throws: `UploadBusy` while somebody else writes to it.
    func resumeUpload(at directory: String) throws -> (any UploadFile)?
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
