import ByteStreams
import ConfigurationFiles
import Glibc
import ImageModel

/// Podman's `registries.conf`: where the images of a registry are really, and where copies of them are.
///
/// Source: containers-registries.conf(5), versions 2 and 1.
package struct RegistriesFile: Sendable {
    package struct Place: Hashable, Sendable {
        /// `HOST[:PORT][/PATH]`
        package var location: String
        package var isInsecure: Bool
        /// Whether only what is asked for by digest, or only what is asked for by tag, is looked for there.
        package var onlyDigests = false
        package var onlyTags = false
    }

    package struct Entry: Hashable, Sendable {
        package var prefix: String
        package var place: Place
        package var isBlocked: Bool
        package var mirrors: [Place]
    }

    private(set) var entries: [Entry] = []
    /// Where in it a prefix is.
    private var positions: [String: Int] = [:]

    package init() {}

    /// The user's file or the system's, and what lies in `registries.conf.d` beside it.
    static func load() throws -> RegistriesFile {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let own = "\(variable("XDG_CONFIG_HOME") ?? "\(variable("HOME") ?? "/root")/.config")/containers"
        var file = RegistriesFile()
        if let only = variable("CONTAINERS_REGISTRIES_CONF") {
            try file.read(only)
            return file
        }
        let system = "/etc/containers"
        try file.read(
            fileKind("\(own)/registries.conf") == nil ? "\(system)/registries.conf" : "\(own)/registries.conf")
        for directory in ["\(system)/registries.conf.d", "\(own)/registries.conf.d"] {
            for name in try listDirectory(directory) ?? [] where name.hasSuffix(".conf") {
                try file.read("\(directory)/\(name)")
            }
        }
        return file
    }

    private mutating func read(_ path: String) throws {
        guard let bytes = try TextFile.read(path, limit: Document.sizeLimit) else { return }
        try add(String(decoding: bytes, as: UTF8.self), name: path)
    }

    /// - Throws: `ImageError.refused`, naming the place.
    package mutating func add(_ text: String, name: String) throws {
        do {
            let content = try TOMLParser.parse(text)
            for item in try Self.tables("registry", of: content) { try add(item) }
            if let lists = content["registries"] { try addVersion1(lists) }
        } catch let error as TOMLError {
            throw ImageError.refused("\(name), \(error)")
        } catch let problem as Problem {
            throw ImageError.refused("\(name): invalid registries.conf: \(problem.reason)")
        }
    }

    private mutating func add(_ item: TOMLValue) throws {
        let location = try Self.string("location", of: item)
        guard let prefix = try Self.string("prefix", of: item) ?? location else {
            throw Problem(reason: "a [[registry]] has neither prefix nor location")
        }
        let onlyDigests = try Self.boolean("mirror-by-digest-only", of: item)
        let mirrors = try Self.tables("mirror", of: item).map { mirror in
            guard let location = try Self.string("location", of: mirror) else {
                throw Problem(reason: "a [[registry.mirror]] of \(prefix) has no location")
            }
            let kind = try Self.string("pull-from-mirror", of: mirror)
            return Place(
                location: location, isInsecure: try Self.boolean("insecure", of: mirror),
                onlyDigests: kind == "digest-only" || onlyDigests, onlyTags: kind == "tag-only")
        }
        let entry = Entry(
            prefix: prefix,
            place: Place(location: location ?? prefix, isInsecure: try Self.boolean("insecure", of: item)),
            isBlocked: try Self.boolean("blocked", of: item), mirrors: mirrors)
        if let position = positions[prefix] {
            entries[position] = entry
        } else {
            positions[prefix] = entries.count
            entries.append(entry)
        }
    }

    /// Version 1 has lists of registries: `[registries.block]`, `[registries.insecure]`. That of `[registries.search]` is
    /// about names without a registry, which dray takes for Docker Hub's.
    private mutating func addVersion1(_ lists: TOMLValue) throws {
        let insecure = try Self.registries("insecure", of: lists)
        let blocked = try Self.registries("block", of: lists)
        for name in insecure + blocked {
            let position = positions[name] ?? entries.count
            if position == entries.count {
                positions[name] = position
                entries.append(
                    Entry(
                        prefix: name, place: Place(location: name, isInsecure: false), isBlocked: false, mirrors: []))
            }
            if insecure.contains(name) { entries[position].place.isInsecure = true }
            if blocked.contains(name) { entries[position].isBlocked = true }
        }
    }

    private static func registries(_ name: String, of lists: TOMLValue) throws -> [String] {
        guard let value = lists[name]?["registries"] else { return [] }
        guard case .array(let items) = value else { throw Problem(reason: "'registries' is not a list") }
        return try items.map { item in
            guard case .string(var text) = item else { throw Problem(reason: "a registry is not a text in quotes") }
            while text.hasSuffix("/") { text.removeLast() }
            return text
        }
    }

    /// What is no mistake of TOML's.
    private struct Problem: Error {
        var reason: String
    }

    private static func tables(_ name: String, of table: TOMLValue) throws -> [TOMLValue] {
        guard let value = table[name] else { return [] }
        guard case .array(let items) = value, items.allSatisfy({ if case .table = $0 { true } else { false } }) else {
            throw Problem(reason: "'\(name)' is to be written as [[...\(name)]]")
        }
        return items
    }

    private static func string(_ name: String, of table: TOMLValue) throws -> String? {
        guard let value = table[name] else { return nil }
        guard case .string(let text) = value else { throw Problem(reason: "'\(name)' is to be a text in quotes") }
        return text
    }

    private static func boolean(_ name: String, of table: TOMLValue) throws -> Bool {
        guard let value = table[name] else { return false }
        guard case .boolean(let flag) = value else { throw Problem(reason: "'\(name)' is to be true or false") }
        return flag
    }

    /// The entry for a name: the one whose prefix is the longest that fits.
    ///
    /// - Parameter name: `HOST[:PORT][/REPOSITORY]`.
    package func entry(for name: String) -> Entry? {
        entries.filter { Self.fits($0.prefix, name) }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }
    }

    private static func fits(_ prefix: String, _ name: String) -> Bool {
        if prefix.hasPrefix("*.") {
            return name.prefix { $0 != "/" && $0 != ":" }.hasSuffix(prefix.dropFirst())
        }
        guard name.hasPrefix(prefix) else { return false }
        let next = name.dropFirst(prefix.count).first
        return next == nil || next == "/" || prefix.hasSuffix("/")
    }
}
