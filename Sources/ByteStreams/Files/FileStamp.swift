import Glibc

/// By what a file's change is seen without reading it: which file it is, how long, and when it was written to.
package struct FileStamp: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    package let kind: FileKind
    /// Permissions: `0o644` and the like.
    package let mode: UInt32
    package var isFile: Bool { kind == .file }
    package let size: Int64
    /// Seconds and nanoseconds since 1970.
    private let seconds: Int
    private let nanoseconds: Int
    /// When anything about it last changed, its permissions or its name: nanoseconds since 1970.
    private let changed: Int64
    /// Whether it still has a name.
    package let isLinked: Bool

    /// One `stat`, which takes about a microsecond for a file that is in use: no worker is needed.
    ///
    /// - Throws: `ImageError.io`.
    package init(of path: String) throws {
        var status = stat()
        try systemCall("look at", path) { stat(path, &status) }
        self.init(status)
    }

    /// Of an open file.
    package init(of descriptor: Int32, path: String) throws {
        var status = stat()
        try systemCall("look at", path) { fstat(descriptor, &status) }
        self.init(status)
    }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        kind = FileKind(status)
        mode = status.st_mode & 0o7777
        size = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        isLinked = status.st_nlink > 0
    }

    /// Whether it is the same file, and was not written to in between.
    func hasContent(of other: FileStamp) -> Bool {
        (device, inode, size, seconds, nanoseconds)
            == (other.device, other.inode, other.size, other.seconds, other.nanoseconds)
    }

    /// In one word.
    package var text: String { "\(device).\(inode).\(size).\(seconds).\(nanoseconds).\(changed)" }

    /// Whether a change after now would surely give another stamp: clocks of filesystems tick slowly.
    package var isSettled: Bool { abs(time(nil) - seconds) > 2 && abs(time(nil) - Int(changed / 1_000_000_000)) > 2 }
}
