import ByteStreams
package import FileTrees
import Glibc
package import ImageModel
package import ImageTransfer

/// A store in a directory: the first kind of `StoreTree`. Made when absent.
///
/// Every file comes into being whole, by renaming, after its bytes are on the disk. Links are followed wherever trusted
/// ones lead to read, and not at all to write.
package final class StoreDirectory: StoreTree {
    package let path: String
    package let files: any FileTree
    package let layerMemory: LayerMemory?
    private let root: LazyDirectory
    private let staging: LazyStagingArea
    private let quarantine: Quarantine?
    /// Time to wait for the store's locks: clients of a server are told to try again, and a command waits for as long as it
    /// takes.
    private let patience: Duration?

    /// - Parameters:
    ///   - path: the registry's root directory, above `docker/registry/v2`.
    ///   - quarantine: keeps what is replaced.
    package init(_ path: String, patience: Duration? = nil, quarantine: Quarantine? = nil) {
        self.path = path
        self.patience = patience
        self.quarantine = quarantine
        root = LazyDirectory(path, reach: .trusted)
        files = DirectoryTree(path)
        staging = LazyStagingArea(root, quarantine: quarantine, patience: patience)
        layerMemory = LayerMemory(place: path)
    }

    package var title: String { path }
    func area() throws -> StagingArea { try staging.area() }

    // MARK: Reading

    package func read(_ file: String, limit: Int) throws -> [UInt8]? { try root.ifThere()?.read(file, limit: limit) }
    /// Nothing for a link, as which no registry keeps a blob.
    package func size(of file: String) throws -> Int64? { try root.ifThere()?.size(file) }
    package func modified(_ file: String) throws -> Int? { try root.ifThere()?.status(file)?.modified }
    package func list(_ directory: String) throws -> [String]? { try root.ifThere()?.list(directory) }
    package func hasDirectory(_ path: String) throws -> Bool {
        try root.ifThere()?.status(path)?.isDirectory == true
    }
    package func isThere(_ path: String) throws -> Bool { try root.ifThere()?.kind(path) != nil }
    package func content(of file: String) throws -> StoredContent? { try root.ifThere()?.file(file).map { .file($0) } }
    package func repositories() -> [String]? { nil }
    package var isRemote: Bool { false }

    // MARK: The agreement with the garbage collection

    package func keep(_ file: String) throws -> Int64? {
        guard let root = try root.ifThere(), try root.touch(file) else { return nil }
        return try root.size(file)
    }

    package func readKept(_ file: String, limit: Int) throws -> [UInt8]? {
        guard let root = try root.ifThere(), try root.touch(file) else { return nil }
        return try root.read(file, limit: limit)
    }

    /// A link may lead out of the store, where others read nothing: it is replaced.
    package func putKept(_ bytes: [UInt8], at file: String) throws {
        if try keep(file) == Int64(bytes.count), try read(file, limit: bytes.count) == bytes { return }
        try put(bytes, at: file)
    }

    package func keepLonger(_ files: Set<String>) throws {
        for file in files { _ = try root.ifThere()?.touch(file) }
    }

    package func whileLooking<T>(_ body: () throws -> T) throws -> T {
        let lock = try root.ifThere().flatMap { try StoreLock.forLook(at: $0, patience: patience) }
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    package func whileUsing<T>(_ body: (_ isRepeated: Bool) throws -> T, then finish: (T) throws -> Void) throws -> T {
        try StoreLock.using(root.made(), patience: patience) {
            let result = try body(false)
            try finish(result)
            return result
        }
    }

    package func whileAlone<T>(_ body: () throws -> T) throws -> T {
        let lock = try StoreLock.forSweeping(root.made(), patience: patience)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    package func release(_ target: PackedDigest, in repository: String) throws {
        try ReleaseList(root: root.made()).add(target, in: repository)
    }

    // MARK: Writing

    /// - Throws: `ImageError.damaged` where a link in place of one of its directories leads out of it.
    package func prepare() throws {
        let area = try area()
        guard try DirectoryHandle.open(path)?.status(".")?.identity == area.root.status(".")?.identity else {
            throw ImageError.refused("\(path) is another directory than the one that was opened; start dray again")
        }
        _ = try area.root.hasDirectory(StorePaths.standard.blobs)
        try area.makeDirectory(at: StorePaths.standard.repositories)
    }

    package func put(_ bytes: [UInt8], at file: String) throws { try area().write(bytes, to: file) }

    package func put(_ files: [(path: String, bytes: [UInt8])], inNew directory: String) throws -> Bool {
        let area = try area()
        guard try area.root.kind(directory) == nil else { return false }
        return try area.makeDirectory(at: directory) { new in
            for file in files {
                try new.makeDirectory(parent(of: file.path), ownership: area.ownership, lasting: false)
                try new.write(file.bytes, to: file.path, area.ownership)
            }
        }
    }

    package func writer(
        for target: BlobTarget, at place: @Sendable @escaping (Digest) -> String
    ) throws -> any BlobWriter {
        try StagedBlobWriter(in: area(), replaces: target.replaces, place: place)
    }

    package func makeDirectory(_ path: String) throws { try area().makeDirectory(at: path) }
    package func remove(_ file: String) throws -> Bool { try area().removeFile(file) }
    package func remove(directory: String) throws { try area().remove(directory) }
    package func checkRemovable(in directory: String) throws { _ = try root.ifThere()?.hasDirectory(directory) }
    package func close() { staging.close() }
    package func settleQuarantine() throws -> String? { try quarantine?.settle() }

    // MARK: Uploads

    package func beginUpload(at directory: String) throws -> any UploadFile {
        let area = try area()
        // Nobody was promised that an upload without bytes survives a power cut.
        try area.makeDirectory(at: directory, lasting: false)
        let own = try area.root.openToWrite(directory)
        try own.write(Array(Timestamp.rfc3339(Timestamp.now).utf8), to: "startedat", area.ownership)
        let data = try own.makeFile("data", ownership: area.ownership.forWritersOnly, mode: 0o600)
        return try UploadInDirectory(directory, self, area, data)
    }

    package func resumeUpload(at directory: String, size: Int64?) throws -> (any UploadFile)? {
        let area = try area()
        guard try area.root.hasDirectory(directory), let data = try area.root.fileToChange("\(directory)/data") else {
            return nil
        }
        area.ownership.forWritersOnly.restrict(data)
        let upload = try UploadInDirectory(directory, self, area, data)
        return try upload.isThere() ? upload : nil
    }

    package func dropOldParts(before time: Int, dryRun: Bool) -> Int { 0 }

    package func uploadSize(at directory: String) throws -> Int64? {
        let root = try area().root
        return try root.hasDirectory(directory) ? root.size("\(directory)/data") : nil
    }

    // MARK: The place

    /// Directories that every push writes in.
    private var writtenPaths: [String] {
        [StorePaths.standard.blobs, StorePaths.standard.repositories, ".dray"].map { "\(path)/\($0)" }
    }

    package func freeSpace() throws -> Int64? { try ByteStreams.freeSpace(at: path) }
    package func writeObstacle() -> String? { WriteObstacle.find(at: writtenPaths) }
    package func advice() -> [String] {
        ServingRegistry.processes(serving: path).map {
            "\(path) seems to be served by a registry (process \($0)), which remembers what it has seen: restart it"
        }
    }
}
