import ByteStreams
import Glibc
import ImageModel
import ImageTransfer
import TOMLKit

/// Podman's `registries.conf`: where the images of a registry are really, and where copies of them are.
///
/// Source: containers-registries.conf(5), version 2.
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
        guard let bytes = try readFile(path, limit: Document.sizeLimit) else { return }
        try add(String(decoding: bytes, as: UTF8.self), name: path)
    }

    private struct Content: Decodable {
        struct Item: Decodable {
            struct Mirror: Decodable {
                var location: String
                var insecure: Bool?
                var pullFromMirror: String?

                enum CodingKeys: String, CodingKey {
                    case location, insecure
                    case pullFromMirror = "pull-from-mirror"
                }
            }

            var prefix: String?
            var location: String?
            var insecure: Bool?
            var blocked: Bool?
            var digestsOnly: Bool?
            var mirror: [Mirror]?

            enum CodingKeys: String, CodingKey {
                case prefix, location, insecure, blocked, mirror
                case digestsOnly = "mirror-by-digest-only"
            }
        }

        var registry: [Item]?
    }

    /// - Throws: `TransferError.refused`, with line and column.
    package mutating func add(_ text: String, name: String) throws {
        let content: Content
        do {
            content = try TOMLDecoder().decode(Content.self, from: text)
        } catch let error as TOMLParseError {
            let place = error.source.begin
            throw TransferError.refused("\(name), line \(place.line), column \(place.column): \(error.description)")
        } catch {
            throw TransferError.refused("\(name) is no registries.conf of version 2: \(error)")
        }
        for item in content.registry ?? [] {
            guard let prefix = item.prefix ?? item.location else {
                throw TransferError.refused("\(name): a [[registry]] has neither prefix nor location")
            }
            let entry = Entry(
                prefix: prefix,
                place: Place(location: item.location ?? prefix, isInsecure: item.insecure ?? false),
                isBlocked: item.blocked ?? false,
                mirrors: (item.mirror ?? []).map { mirror in
                    Place(
                        location: mirror.location, isInsecure: mirror.insecure ?? false,
                        onlyDigests: mirror.pullFromMirror == "digest-only" || item.digestsOnly == true,
                        onlyTags: mirror.pullFromMirror == "tag-only")
                })
            entries.removeAll { $0.prefix == prefix }
            entries.append(entry)
        }
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
