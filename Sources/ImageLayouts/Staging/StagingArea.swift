import ByteStreams
import Glibc
import ImageTransfer

/// Where a tree's new files are written before they have names: `.dray/staging` below its root. What gets a name, gets it
/// below that root, too: a link there that leads elsewhere is not followed.
///
/// Whoever uses it holds a shared lock on it; leftovers of a process that died are cleared by the next one
/// that is alone.
final class StagingArea: Sendable {
    let directory: String
    let ownership: Ownership
    private let tree: DirectoryTree
    private let lock: DirectoryLock
    /// What is replaced is kept there; nil where it is not.
    let quarantine: Quarantine?

    /// - Parameter shared: the directory that may be elsewhere, as of a `DirectoryTree`.
    init(root: String, shared: String? = nil, quarantine: Quarantine? = nil) throws {
        self.quarantine = quarantine
        directory = "\(root)/\(Self.path)"
        ownership = try Ownership(of: root)
        try makeDirectories(root, ownership: ownership)
        tree = DirectoryTree(root, shared: shared)
        try tree.makeDirectory(Self.path, ownership: ownership)
        try Self.clear(directory)
        lock = try DirectoryLock.waiting(.shared, on: directory)
    }

    /// Below the root.
    private static let path = ".dray/staging"

    /// Calls `body` with the names of what is left of processes that died, while nobody writes here. What one is still
    /// writing is none of that.
    private static func whileAlone(in directory: String, _ body: ([String]) throws -> Void) throws {
        guard let alone = try DirectoryLock.trying(.exclusive, on: directory) else { return }
        defer { withExtendedLifetime(alone) {} }
        try body((listDirectory(directory) ?? []).filter { $0.hasSuffix(".part") })
    }

    private static func clear(_ directory: String) throws {
        try whileAlone(in: directory) { names in
            for name in names { try removeTree("\(directory)/\(name)") }
        }
    }

    /// What a run that was killed has left.
    ///
    /// - Parameter root: of a place that is verified.
    static func leftovers(in root: String) throws -> [Finding] {
        let directory = "\(root)/\(path)"
        guard try fileKind(directory) == .directory else { return [] }
        var count = 0
        try whileAlone(in: directory) { count = $0.count }
        guard count > 0 else { return [] }
        return [
            Finding(
                .leftover, path,
                "holds \(count) file\(count == 1 ? "" : "s") that a run which was ended did not finish",
                advice: "the next run that writes there clears them away")
        ]
    }

    func makeFile() throws -> StagedFile { try StagedFile(in: directory, ownership: ownership) }

    /// Below the root, which it begins with.
    private func relative(_ path: String) -> String {
        guard let relative = ByteStreams.path(path, below: tree.path) else {
            preconditionFailure("\(path) is not in \(tree.path)")
        }
        return relative.isEmpty ? "." : relative
    }

    /// Makes a directory and those above it, as far as they are missing.
    ///
    /// - Parameter lasting: whether they have to survive a power cut.
    func makeDirectory(at path: String, lasting: Bool = true) throws {
        try tree.makeDirectory(relative(path), ownership: ownership, lasting: lasting)
    }

    /// Whether a directory is there to be written to.
    func hasDirectory(at path: String) throws -> Bool { try tree.hasDirectory(relative(path)) }

    /// Makes a directory that comes into being whole, and on the disk, or not at all.
    ///
    /// - Parameters:
    ///   - path: its own; what it lies in is made.
    ///   - fill: makes what is to be in it, in a directory of another name.
    /// - Returns: false if somebody else has made one that is not empty.
    func makeDirectory(at path: String, filledBy fill: (String) throws -> Void) throws -> Bool {
        let new = newPath()
        try makeDirectory(at: parent(of: path))
        do {
            try ByteStreams.makeDirectory(new, ownership: ownership, lasting: false)
            try fill(new)
            try syncTree(new)
            try move(new, to: path)
            return true
        } catch {
            // What cannot be taken away is left to the next one who is alone here.
            try? removeTree(new)
            if case StreamError.io(_, _, let code) = error, [ENOTEMPTY, EEXIST, ENOTDIR].contains(code) {
                return false
            }
            throw error
        }
    }

    /// A symbolic link, in the place of what is there.
    func link(_ path: String, to target: String) throws {
        let aside = newPath()
        try makeRoom(for: path)
        try Interruption.register(aside) { try makeLink(aside, to: target) }
        defer { Interruption.unregister(aside) }
        do {
            try move(aside, to: path)
        } catch {
            // Where it cannot be taken away, the next one who is alone here does that.
            _ = try? ByteStreams.removeFile(aside)
            throw error
        }
    }

    /// Whether the file system has symbolic links: FAT and exFAT have none, nor have some network file systems.
    func hasLinks() throws -> Bool {
        let aside = newPath()
        do {
            try Interruption.register(aside) { try makeLink(aside, to: ".") }
        } catch StreamError.io(_, _, let code) where [EPERM, EOPNOTSUPP, ENOSYS].contains(code) {
            return false
        }
        defer { Interruption.unregister(aside) }
        // Where it cannot be taken away, the next one who is alone here does that.
        _ = try? ByteStreams.removeFile(aside)
        return true
    }

    /// Takes a directory away, all at once. Somebody else may have done so already.
    func remove(_ path: String) throws {
        let aside = newPath()
        guard try hasDirectory(at: parent(of: path)) else { return }
        do {
            try move(path, to: aside)
        } catch StreamError.io(_, _, let code) where code == ENOENT {
            return
        }
        do {
            try syncDirectory(parent(of: path))
        } catch {
            // It may come back when the power goes, and then all of it has to: so it stays, and is removed another time.
            // Where somebody has made it anew, the next one who is alone here clears what is aside.
            _ = try? move(aside, to: path)
            throw error
        }
        try removeTree(aside)
    }

    private func newPath() -> String { "\(directory)/\(uniqueName()).part" }

    /// Makes the directories of a final path as well.
    func write(_ bytes: [UInt8], to path: String) throws {
        let file = try makeFile()
        try file.write(bytes)
        try commit(file, to: path)
    }

    /// Likewise of a file that comes in pieces.
    func write(to path: String, _ body: (StagedFile) throws -> Void) throws {
        let file = try makeFile()
        try body(file)
        try commit(file, to: path)
    }

    /// Gives a file its name, over whatever has that now.
    func commit(_ file: StagedFile, to path: String) throws {
        try makeRoom(for: path)
        try file.commit(to: path)
    }

    /// Likewise one of the same filesystem that was not made here, and is on the disk.
    func adopt(_ file: String, as path: String) throws {
        try makeRoom(for: path)
        try move(file, to: path)
    }

    /// Takes a file away, and lasts; whether there was one.
    @discardableResult
    func removeFile(_ path: String) throws -> Bool {
        guard try hasDirectory(at: parent(of: path)), try ByteStreams.removeFile(path) else { return false }
        try syncDirectory(parent(of: path))
        return true
    }

    /// Makes directories above a file or link that is going to be there, and keeps what is there now if it is to be kept.
    private func makeRoom(for path: String) throws {
        try makeDirectory(at: parent(of: path))
        switch try fileKind(path, followingLinks: false) {
        case .directory:
            // A directory in a file's place holds nothing of anybody's.
            guard try DirectoryHandle.open(parent(of: path))?.removeEmptyDirectory(lastComponent(of: path)) == true
            else {
                throw TransferError.refused("\(path) is a directory, where a file has to be: move it away")
            }
        case .file, .link, .other: try quarantine?.keep(relative(path))
        case nil: break
        }
    }
}
