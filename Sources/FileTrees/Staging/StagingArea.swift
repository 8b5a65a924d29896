package import ByteStreams
import Glibc
import ImageModel
import ImageTransfer
package import ImageVerification

/// Where a tree's new files are written before they have names: `.dray/staging` below its root. What gets a name, gets it
/// below that root, too: a link there that leads elsewhere is not followed. All paths are relative to the root.
///
/// Nobody can read it who may not write in the tree. Whoever uses it holds a shared lock on it; leftovers of a process that died are cleared by the next one
/// that is alone.
package final class StagingArea: Sendable {
    package let root: DirectoryHandle
    package let ownership: Ownership
    private let staging: DirectoryHandle
    private let lock: DirectoryLock
    /// What is replaced is kept there; nil where it is not.
    let quarantine: Quarantine?

    /// - Parameter patience: as for `DirectoryLock`.
    package init(_ root: DirectoryHandle, quarantine: Quarantine? = nil, patience: Duration? = nil) throws {
        self.root = root
        self.quarantine = quarantine
        ownership = try Ownership(of: root)
        try root.makePrivateDirectory(Self.path)
        staging = try root.openToWrite(Self.path)
        try Self.whileAlone(in: staging) { [staging] names in
            // What cannot be removed is in nobody's way; `verify` tells of it.
            for name in names { try? staging.removeTree(name) }
        }
        lock = try DirectoryLock.waiting(.shared, in: staging, patience: patience)
    }

    /// Below the root.
    private static let path = ".dray/staging"
    /// Locked by whoever has the tree alone. The tree itself can be read, and so be locked, by others.
    private static let lock = ".dray/lock"

    /// Waits until nobody else has the tree alone.
    package func alone() throws -> DirectoryLock {
        try root.makePrivateDirectory(Self.lock)
        return try DirectoryLock.waiting(.exclusive, on: Self.lock, in: root)
    }

    /// Calls `body` with the names of what is left of processes that died, while nobody writes here. What one is still
    /// writing is none of that.
    private static func whileAlone(in staging: DirectoryHandle, _ body: ([String]) throws -> Void) throws {
        guard let alone = try DirectoryLock.trying(.exclusive, in: staging) else { return }
        defer { withExtendedLifetime(alone) {} }
        try body((staging.list(".") ?? []).filter { $0.hasSuffix(".part") })
    }

    /// What a run that was killed has left.
    ///
    /// - Parameter root: of a place that is verified.
    package static func leftovers(in root: String) throws -> [Finding] {
        let opened: DirectoryHandle?
        do {
            opened = try DirectoryHandle.open(root)?.open(path)
        } catch let error as ImageError where error.errno == EACCES {
            // They are told to those who may write there.
            return []
        }
        guard let staging = opened else { return [] }
        var count = 0
        try whileAlone(in: staging) { count = $0.count }
        guard count > 0 else { return [] }
        return [
            Finding(
                .leftover, path,
                "holds \(count) file\(count == 1 ? "" : "s") that a run which was ended did not finish",
                advice: "the next run that writes there clears them away; remove by hand what is left then")
        ]
    }

    func makeFile() throws -> StagedFile { try StagedFile(in: staging, ownership: ownership) }

    /// Makes a directory and those above it, as far as they are missing.
    ///
    /// - Parameter lasting: whether they have to survive a power cut.
    package func makeDirectory(at path: String, lasting: Bool = true) throws {
        try root.makeDirectory(path, ownership: ownership, lasting: lasting)
    }

    /// Makes a directory that comes into being whole, and on the disk, or not at all.
    ///
    /// - Parameters:
    ///   - path: its own; what it lies in is made.
    ///   - fill: makes what is to be in it, in a directory of another name.
    /// - Returns: false if somebody else has made one that is not empty.
    package func makeDirectory(at path: String, filledBy fill: (DirectoryHandle) throws -> Void) throws -> Bool {
        let new = newName()
        try makeDirectory(at: parent(of: path))
        do {
            try staging.makeDirectory(new, ownership: ownership, lasting: false)
            try fill(staging.openToWrite(new))
            try staging.syncTree(new)
            try staging.move(new, to: path, in: root)
            return true
        } catch {
            // What cannot be taken away is left to the next one who is alone here.
            try? staging.removeTree(new)
            if [ENOTEMPTY, EEXIST, ENOTDIR].contains((error as? ImageError)?.errno) {
                return false
            }
            throw error
        }
    }

    /// A symbolic link, in the place of what is there.
    package func link(_ path: String, to target: String) throws {
        let new = newName()
        try makeRoom(for: path)
        try Interruption.register(new, in: staging) { try staging.makeLink(new, to: target, ownership: ownership) }
        defer { Interruption.unregister(new, in: staging) }
        do {
            try staging.move(new, to: path, in: root)
        } catch {
            // Where it cannot be taken away, the next one who is alone here does that.
            _ = try? staging.removeFile(new)
            throw error
        }
    }

    /// Whether the file system has symbolic links: FAT and exFAT have none, nor have some network file systems.
    package func hasLinks() throws -> Bool {
        let new = newName()
        do {
            try Interruption.register(new, in: staging) { try staging.makeLink(new, to: ".", ownership: ownership) }
        } catch let error as ImageError where [EPERM, EOPNOTSUPP, ENOSYS].contains(error.errno) {
            return false
        }
        defer { Interruption.unregister(new, in: staging) }
        // Where it cannot be taken away, the next one who is alone here does that.
        _ = try? staging.removeFile(new)
        return true
    }

    /// Takes a directory away, all at once. Somebody else may have done so already.
    package func remove(_ path: String) throws {
        let aside = newName()
        guard try root.hasDirectory(parent(of: path)) else { return }
        do {
            try root.move(path, to: aside, in: staging)
        } catch let error as ImageError where error.errno == ENOENT {
            return
        }
        do {
            try root.sync(parent(of: path))
        } catch {
            // It may come back when the power goes, and then all of it has to: so it stays, and is removed another time.
            // Where somebody has made it anew, the next one who is alone here clears what is aside.
            _ = try? staging.move(aside, to: path, in: root)
            throw error
        }
        try staging.removeTree(aside)
    }

    private func newName() -> String { "\(uniqueName()).part" }

    /// Makes the directories of a final path as well.
    package func write(_ bytes: [UInt8], to path: String) throws {
        try write(to: path) { try $0.write(bytes) }
    }

    /// Likewise of a file that comes in pieces.
    package func write(to path: String, _ body: (StagedFile) throws -> Void) throws {
        let file = try makeFile()
        try body(file)
        try commit(file, to: path)
    }

    /// Gives a file its name, over whatever has that now.
    func commit(_ file: StagedFile, to path: String) throws {
        try makeRoom(for: path)
        try file.commit(to: path, in: root)
    }

    /// Likewise one that was not made here, and is on the disk.
    package func adopt(_ file: String, as path: String) throws {
        try makeRoom(for: path)
        try root.move(file, to: path)
    }

    /// Takes a file away, and lasts; whether there was one.
    @discardableResult
    package func removeFile(_ path: String) throws -> Bool {
        guard try root.removeFile(path) else { return false }
        try root.sync(parent(of: path))
        return true
    }

    /// Makes directories above a file or link that is going to be there, and keeps what is there now if it is to be kept.
    private func makeRoom(for path: String) throws {
        try makeDirectory(at: parent(of: path))
        switch try root.kind(path) {
        case .directory:
            // A directory in a file's place holds nothing of anybody's.
            guard try root.removeEmptyDirectory(path) else {
                throw ImageError.refused(
                    "\(root.path)/\(path) is a directory, where a file has to be: move it away")
            }
        case .file, .link, .other: try quarantine?.keep(path)
        case nil: break
        }
    }
}
