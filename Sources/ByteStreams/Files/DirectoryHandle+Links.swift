import Glibc

/// What links are and lead to, without being followed.
extension DirectoryHandle {
    /// The text of a symbolic link below it; nil for anything else.
    package func target(ofLink relative: String) throws -> String? {
        try open(parent(of: relative))?.link(lastComponent(of: relative))?.target
    }

    /// A symbolic link that is directly in it; nil for anything else.
    func link(_ name: String) throws -> SymbolicLink? {
        let full = full(name)
        let opened = try ByteStreams.openIfThere(name, from: descriptor, lookOnly | O_NOFOLLOW, "look at", full)
        guard let opened else { return nil }
        defer { close(opened) }
        return try SymbolicLink(of: opened, in: descriptor, path: full)
    }

    // MARK: Links that are told

    /// A link that leads out of where it may lead, or nowhere.
    package struct Departure: Sendable {
        /// A real path; nil for nowhere.
        package let target: String?
    }

    /// - Parameter link: the name of a symbolic link in it.
    /// - Returns: nil if this one leads where it may.
    package func departure(_ link: String) throws -> Departure? {
        if reach == .anywhere { return nil }
        if reach == .trusted, let opened = (try? openIfThere(link, lookOnly)) ?? nil {
            close(opened.descriptor)
            return nil
        }
        let real = try realPath("\(path)/\(link)")
        let own = try realPath((origin?.root ?? self).path)
        if let real, let own, ByteStreams.path(real, below: own) != nil { return nil }
        return Departure(target: real)
    }
}
