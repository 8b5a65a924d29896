import Glibc
import ImageModel

/// Why the system refuses to use a path, as far as its directory, owner and file system tell.
package enum WriteObstacle {
    /// The addition to the system's own words; nil if there is nothing to add.
    ///
    /// - Parameter operation: as in `ImageError.io`.
    static func text(_ operation: String, _ path: String, _ code: Int32) -> String? {
        switch code {
        case EACCES where operation.hasPrefix("listen") && !path.hasPrefix("/"):
            "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; listen on another port"
        case ENOSPC, EDQUOT: room(at: path)
        case EACCES, EPERM: permission(at: path)
        default: nil
        }
    }

    /// Why nothing can be made where these paths are, or are going to be; nil if nothing is in the way.
    package static func find(at paths: [String]) -> String? {
        for path in paths {
            guard let place = nearest(path), faccessat(AT_FDCWD, place.path, W_OK | X_OK, AT_EACCESS) != 0 else {
                continue
            }
            switch errno {
            case EACCES, EPERM: return permission(at: place.path)
            case EROFS: return "\(place.path) is on a file system that is mounted read-only"
            default: continue
            }
        }
        return nil
    }

    private static func permission(at path: String) -> String? {
        guard let place = nearest(path) else { return nil }
        let mode = String(place.status.st_mode & 0o7777, radix: 8)
        let kind = place.status.st_mode & S_IFMT == S_IFDIR ? "the directory " : ""
        return "\(kind)\(place.path) belongs to \(user(place.status.st_uid)) (mode \(mode)), and dray runs as "
            + "\(user(geteuid())); change the owner or the mode, or run dray as another user"
    }

    private static func room(at path: String) -> String? {
        guard let place = nearest(path), let free = try? freeSpace(at: place.path) else { return nil }
        let isDirectory = place.status.st_mode & S_IFMT == S_IFDIR
        return "the file system of the directory \(isDirectory ? place.path : parent(of: place.path)) has only "
            + "\(ByteCount(free)) free; make room"
    }

    /// The path, or the nearest directory above it that can be looked at.
    private static func nearest(_ path: String) -> (path: String, status: stat)? {
        var path = path
        while true {
            var status = stat()
            if stat(path, &status) == 0 { return (path, status) }
            let above = parent(of: path)
            guard above != path else { return nil }
            path = above
        }
    }

    private static func user(_ id: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return "user \(id)" }
        return String(cString: entry.pw_name)
    }
}
