import ByteStreams
import Glibc
import ImageTransfer

/// Where a tree's new files are written before they have names: `.dray/staging` below its root.
///
/// Whoever uses it holds a shared lock on it; leftovers of a process that died are cleared by the next one
/// that is alone.
final class StagingArea: Sendable {
    let directory: String
    let ownership: Ownership
    private let root: String
    private let lock: DirectoryLock
    /// What is replaced is kept there; nil where it is not.
    let quarantine: Quarantine?

    init(root: String, quarantine: Quarantine? = nil) throws {
        self.root = root
        self.quarantine = quarantine
        directory = Self.directory(in: root)
        ownership = Ownership(of: root)
        try makeDirectories(directory, ownership: ownership)
        try Self.clear(directory)
        lock = try DirectoryLock.waiting(.shared, on: directory)
    }

    static func directory(in root: String) -> String { "\(root)/.dray/staging" }

    private static func clear(_ directory: String) throws {
        guard let alone = try DirectoryLock.trying(.exclusive, on: directory) else { return }
        defer { withExtendedLifetime(alone) {} }
        for name in try listDirectory(directory) ?? [] where name.hasSuffix(".part") {
            let path = "\(directory)/\(name)"
            if try fileKind(path, followingLinks: false) == .directory {
                try removeTree(path)
            } else {
                try removeFile(path)
            }
        }
    }

    func makeFile() throws -> StagedFile { try StagedFile(in: directory, ownership: ownership) }

    /// An empty directory that is going to get its final name by `place` or `move`.
    func makeDirectory() throws -> String {
        let path = newPath()
        try makeDirectories(path, ownership: ownership, lasting: false)
        return path
    }

    /// A symbolic link, in the place of what is there.
    func link(_ path: String, to target: String) throws {
        let aside = newPath()
        try makeRoom(for: path)
        try makeLink(aside, to: target)
        try move(aside, to: path)
    }

    /// Gives a directory its name, unless something is there.
    ///
    /// - Returns: whether it has it now; it is gone otherwise.
    func place(_ aside: String, at path: String) throws -> Bool {
        try syncTree(aside)
        try makeDirectories(parent(of: path), ownership: ownership)
        do {
            try move(aside, to: path)
            return true
        } catch StreamError.io(_, _, let code) where code == ENOTEMPTY || code == EEXIST || code == ENOTDIR {
            try removeTree(aside)
            return false
        }
    }

    /// Takes a directory away, all at once. Somebody else may have done so already.
    func remove(_ path: String) throws {
        let aside = newPath()
        do {
            try move(path, to: aside)
        } catch StreamError.io(_, _, let code) where code == ENOENT {
            return
        }
        try syncDirectory(parent(of: path))
        try removeTree(aside)
    }

    private func newPath() -> String { "\(directory)/\(uniqueName()).part" }

    /// Makes the directories of a final path as well.
    func write(_ bytes: [UInt8], to path: String) throws {
        let file = try makeFile()
        try file.write(bytes)
        try commit(file, to: path)
    }

    /// Gives a file its name, over whatever has that now.
    func commit(_ file: StagedFile, to path: String) throws {
        try makeRoom(for: path)
        try file.commit(to: path)
    }

    /// Makes directories above a file or link that is going to be there, and keeps what is there now if it is to be kept.
    private func makeRoom(for path: String) throws {
        try makeDirectories(parent(of: path), ownership: ownership)
        switch try fileKind(path, followingLinks: false) {
        case .directory:
            // A directory in a file's place holds nothing of anybody's.
            guard try DirectoryHandle.open(parent(of: path))?.removeEmptyDirectory(lastComponent(of: path)) == true
            else {
                throw TransferError.refused("\(path) is a directory, where a file has to be: move it away")
            }
        case .file, .link, .other: try quarantine?.keep(String(path.dropFirst(root.utf8.count + 1)))
        case nil: break
        }
    }
}
