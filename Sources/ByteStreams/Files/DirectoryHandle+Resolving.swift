import Glibc
import ImageModel

/// How a path becomes a descriptor.
extension DirectoryHandle {
    struct Opened {
        let descriptor: Int32
        /// The path without links; nil if there was none on the way.
        private let known: String?
        private let directory: DirectoryHandle
        private let relative: String

        init(_ descriptor: Int32, _ relative: String, in directory: DirectoryHandle) {
            self.descriptor = descriptor
            self.directory = directory
            self.relative = relative
            known = nil
        }

        init(_ descriptor: Int32, at path: String, in directory: DirectoryHandle) {
            self.descriptor = descriptor
            self.directory = directory
            known = path
            relative = ""
        }

        /// Made only where it is wanted: most of what is opened is told to nobody.
        var path: String { known ?? directory.full(relative) }
    }

    /// The links that are followed on a path, those behind other links among them: as many as the system follows.
    static let mostLinks = 40

    /// The links that were followed on a path so far.
    final class LinkBudget {
        /// How many links may still be followed.
        fileprivate var left = mostLinks
        /// Whether a link of neither root nor this process's user was followed. From there on, no link in /proc is: what it
        /// leads to is for a process to say, which may be the link's owner's, though the links of some belong to root.
        fileprivate(set) var isForeign = false

        func note(_ link: SymbolicLink) { if !isOwnOrRoots(link.owner) { isForeign = true } }
    }

    /// Opens what a path leads to from here, also out of here: over links as far as they are trusted, each of them.
    ///
    /// - Parameters:
    ///   - path: a link's text, for instance.
    /// - Returns: nil if nothing is there, or too many links lead there.
    /// - Throws: `ImageError.damaged` for a link that is not trusted.
    func follow(_ path: String, _ flags: Int32, links: LinkBudget? = nil) throws -> Int32? {
        let start = isAbsolute(path) ? "/" : "."
        let name = start == "/" ? path : full(path)
        let opened = try ByteStreams.openIfThere(start, from: descriptor, O_DIRECTORY | lookOnly, "open", name)
        guard let opened else { return nil }
        let base = DirectoryHandle(path: start == "/" ? start : self.path, descriptor: opened, reach: .named)
        let relative = String(path.utf8.drop { $0 == slash }) ?? path
        return try base.openIfThere(relative.isEmpty ? "." : relative, flags, links: links)?.descriptor
    }

    /// Opens something below it.
    ///
    /// - Parameters:
    ///   - flags: beside `O_CLOEXEC`; reading is meant where they say nothing else.
    ///   - isWriting: whether something is to be changed there: then no link leads out of here, but a trusted one in the
    ///     place of the shared directory.
    /// - Returns: nil if nothing is there.
    /// - Throws: `ImageError.damaged` for a link that leads out of where it may lead.
    func openIfThere(
        _ relative: String, _ flags: Int32, isWriting: Bool = false, links: LinkBudget? = nil
    ) throws -> Opened? {
        if let shared, let rest = ByteStreams.path(relative, below: shared.name) {
            try shared.checkTrust(isWriting: isWriting)
            return try shared.directory.openIfThere(rest.isEmpty ? "." : rest, flags, isWriting: isWriting)
        }
        if reach == .anywhere, !isWriting {
            return try ByteStreams.openIfThere(relative, from: descriptor, flags, "open", full(relative)).map {
                Opened($0, relative, in: self)
            }
        }
        let all = O_RDONLY | O_CLOEXEC | flags
        var opened: Int32
        if owner == nil {
            opened = openWithoutLinks(relative, from: descriptor, all)
            if opened < 0, errno == ENOTDIR { return nil }
            if opened < 0, errno == ENOSYS { opened = try openByNames(relative, all) }
        } else {
            opened = try openByNames(relative, all)
        }
        if opened >= 0 { return Opened(opened, relative, in: self) }
        if errno == ENOENT { return nil }
        // A link, or whatever it is: it is met again where it matters.
        let links = links ?? LinkBudget()
        guard let origin else { return try walk(relative, flags, isWriting, links) }
        return try origin.root.walk(joined(origin.place, relative), flags, isWriting, links)
    }

    /// The path of something below it, for messages.
    func full(_ relative: String) -> String {
        if relative == "." { return path }
        return path == "." ? relative : path == "/" ? "/\(relative)" : "\(path)/\(relative)"
    }

    /// Does the work of `openat2` on systems without it, and where each directory on the way has to be looked at.
    ///
    /// - Returns: a negative number, and `errno` as that may be, for a link, too.
    private func openByNames(_ relative: String, _ flags: Int32) throws -> Int32 {
        var path = Array(relative.utf8CString)
        return try path.withUnsafeMutableBufferPointer { path in
            let dot = CChar(bitPattern: UInt8(ascii: "."))
            var here = descriptor
            var start = 0
            while true {
                let end = path[start...].firstIndex { $0 == CChar(bitPattern: slash) || $0 == 0 } ?? start
                let isLast = path[end] == 0
                path[end] = 0
                let flags = isLast ? flags : lookOnly | O_DIRECTORY | O_CLOEXEC
                let name = path[start..<end]
                var next: Int32 = -1
                if name.isEmpty || name.elementsEqual([dot, dot]) {
                    // Left to those who look closer.
                    errno = EXDEV
                } else {
                    next = openat(here, path.baseAddress! + start, flags | O_NOFOLLOW)
                }
                if next >= 0, flags & (lookOnly | O_DIRECTORY) == lookOnly, isLink(next) {
                    close(next)
                    next = -1
                    errno = ELOOP
                }
                let code = errno
                if here != descriptor { close(here) }
                if next >= 0, let owner, let closer = owner.closer(of: next, flags) {
                    close(next)
                    throw owner.refusal(ofUser: closer, path: full(String(cString: path.baseAddress!)))
                }
                guard next >= 0, !isLast else {
                    errno = code
                    return next
                }
                here = next
                path[end] = CChar(bitPattern: slash)
                start = end + 1
            }
        }
    }

    private func isLink(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT == S_IFLNK
    }

    /// Goes down a path name by name, where there is a link on it.
    private func walk(_ relative: String, _ flags: Int32, _ isWriting: Bool, _ links: LinkBudget) throws -> Opened? {
        var start = self
        var names = try names(relative)
        for _ in 0...Self.mostLinks {
            var directory = start
            var found: (link: SymbolicLink, path: String, rest: [String])?
            for (position, name) in names.enumerated() {
                let path = directory.full(name)
                let isLast = position == names.count - 1
                guard let step = try directory.step(name, isLast ? flags : O_DIRECTORY | lookOnly) else { return nil }
                if case .link(let link) = step {
                    found = (link, path, Array(names[(position + 1)...]))
                    break
                }
                guard case .opened(let next) = step else { break }
                if isLast { return Opened(next, at: path, in: self) }
                directory = DirectoryHandle(
                    path: path, descriptor: next, owner: try directory.owner ?? ownerOnTheWay(next, path))
            }
            guard let found else {
                return try ByteStreams.openIfThere(".", from: start.descriptor, flags, "open", start.path).map {
                    Opened($0, at: start.path, in: self)
                }
            }
            let isLast = found.rest.isEmpty
            switch try leave(
                directory, over: found.link, found.path, isLast ? flags : O_DIRECTORY | lookOnly, isWriting, links)
            {
            case .nothing: return nil
            case .there(let next):
                if isLast { return Opened(next, at: found.path, in: self) }
                start = DirectoryHandle(path: found.path, descriptor: next, owner: try ownerOnTheWay(next, found.path))
                names = found.rest
            case .notAllowed:
                // What the names are by now is told by the system, and not believed: they are gone down again.
                guard let real = try realPath(found.path) else { return nil }
                guard let own = try realPath(path), let inside = ByteStreams.path(real, below: own) else {
                    if reach != .inside, !isWriting { throw found.link.refusal(found.path) }
                    throw ImageError.damaged(
                        "\(found.path) is a link that leads out of \(path), to \(real)"
                            + (isWriting ? "" : "; copy it with its links followed: cp -rL \(shellWord(path)) COPY"))
                }
                start = self
                names = try self.names(inside) + found.rest
            }
        }
        throw ImageError.io(operation: "open", path: "\(path)/\(relative)", errno: ELOOP)
    }

    /// The owner whose rights limit what root does on the way; nil for a path that the user names.
    private func ownerOnTheWay(_ directory: Int32, _ path: String) throws -> PlaceOwner? {
        try reach == .named ? nil : PlaceOwner(of: directory, path: path)
    }

    private enum Way {
        case notAllowed
        case nothing
        case there(Int32)
    }

    /// Opens what a link leads to, wherever that is, if it is trusted with it.
    private func leave(
        _ directory: DirectoryHandle, over link: SymbolicLink, _ path: String, _ flags: Int32, _ isWriting: Bool,
        _ links: LinkBudget
    ) throws -> Way {
        guard reach == .named || reach == .trusted && !isWriting else { return .notAllowed }
        guard links.left > 0 else { return .nothing }
        links.left -= 1
        // The text of a link in /proc need not be a path from here, nor one at all: the kernel alone can follow it.
        if directory.isInProc {
            guard !links.isForeign, isOwnOrRoots(link.owner) else { throw link.refusal(path) }
            let target = try ByteStreams.openIfThere(
                lastComponent(of: path), from: directory.descriptor, flags, "open", path)
            return target.map { .there($0) } ?? .nothing
        }
        links.note(link)
        do {
            guard let target = try directory.follow(link.target, flags, links: links) else { return .nothing }
            do {
                if try link.isTrusted(with: target, path: path) { return .there(target) }
            } catch {
                close(target)
                throw error
            }
            close(target)
            throw link.refusal(path)
        } catch let error as ImageError where error.code == .damaged && reach != .named {
            return .notAllowed
        }
    }

    /// The names on a path. Below a directory, `..` takes back the one before.
    private func names(_ relative: String) throws -> [String] {
        var names: [String] = []
        for name in components(of: relative) where !name.isEmpty && name != "." {
            if name != ".." || reach == .named {
                names.append(String(name))
            } else if names.popLast() == nil {
                throw ImageError.damaged("\(path)/\(relative) is a path that leads out of \(path)")
            }
        }
        return names
    }

    private enum Step {
        case opened(Int32)
        case link(SymbolicLink)
    }

    /// - Returns: nil if nothing is there.
    private func step(_ name: String, _ flags: Int32) throws -> Step? {
        let full = full(name)
        do {
            let opened = try systemCall("open", full) {
                openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags)
            }
            do {
                try owner?.check(opened, flags, path: full)
                guard flags & (lookOnly | O_DIRECTORY) == lookOnly,
                    let link = try SymbolicLink(of: opened, in: descriptor, path: full)
                else { return .opened(opened) }
                close(opened)
                return .link(link)
            } catch {
                close(opened)
                throw error
            }
        } catch let error as ImageError where [ENOENT, ENOTDIR, ELOOP].contains(error.errno) {
            guard error.errno != ENOENT, let link = try link(name) else { return nil }
            return .link(link)
        }
    }
}
