/// `TRANSPORT:LOCATION[:NAME][@DIGEST]`, the way the command line names images anywhere.
///
/// Grammar: a trailing `@algorithm:hex` is cut off first; the location ends at the first `:` that is not
/// escaped as `\:`, unless the whole rest is an existing path; all that follows is the name.
package struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    package enum Transport: String, Sendable, CaseIterable {
        case dockerArchive = "docker-archive"
        case oci
        case ociArchive = "oci-archive"
        case store
        case directory = "dir"
        /// A registry over its API; written `docker://`.
        case registry = "docker"

        /// Whether a name that is one word is a tag there, and not a repository.
        package var bareNameIsTag: Bool { self != .store && self != .registry }

        /// As it stands in front of a reference.
        package var prefix: String { self == .registry ? "docker://" : "\(rawValue):" }
    }

    package var transport: Transport
    /// A path; `-` is standard input or output. Of a registry, `HOST[:PORT]`.
    package var location: String
    /// What follows the location: a name or a tag, in the terms of the transport.
    package var name: String?
    /// A manifest's digest; an image ID in a docker-archive.
    package var digest: Digest?

    package init(transport: Transport, location: String, name: String? = nil, digest: Digest? = nil) {
        self.transport = transport
        self.location = location
        self.name = name
        self.digest = digest
    }

    package var isStandardStream: Bool { location == "-" }

    /// Whether it is a store in a bucket: the location is `s3://BUCKET/PREFIX`.
    package var isBucket: Bool { transport == .store && location.hasPrefix(Self.bucketScheme) }
    private static let bucketScheme = "s3://"

    /// - Parameters:
    ///   - isWritten: whether the place may have to be made.
    ///   - exists: whether a path is there.
    ///   - recognise: the transport of what lies at a path without one; nil if it cannot be told.
    /// - Throws: `ImageError`.
    package init(
        _ text: String, isWritten: Bool = false, exists: (String) throws -> Bool,
        recognise: (String) throws -> Transport?
    ) throws {
        if text == "-" {
            guard !isWritten else {
                throw ImageError.usage("'-': missing transport; write docker-archive:- or oci-archive:-")
            }
            // An OCI archive is read as one, too.
            (transport, location, name, digest) = (.dockerArchive, text, nil, nil)
            return
        }
        if let bucket = try ImageReference(bucket: text) {
            self = bucket
            return
        }
        guard !text.hasPrefix(Self.bucketScheme) else {
            throw ImageError.usage("'\(text)': missing transport; write store:\(text)")
        }
        try PathHints.check(text, exists: exists)
        var rest = text
        if let at = text.lastIndex(of: "@"), let digest = Digest(text[text.index(after: at)...]), try !exists(text) {
            self.digest = digest
            rest = String(text[..<at])
        } else {
            digest = nil
            try Self.refuseBadDigest(text, exists: exists)
        }
        if try !exists(rest) { rest = try ReferenceHints.understood(rest, of: text, isWritten: isWritten, exists) }
        if let registry = try Self.registry(rest, of: text) {
            transport = .registry
            (location, name) = try Self.splitRegistry(registry, of: text)
            return
        }
        let prefix = rest.firstIndex(of: ":").map { String(rest[..<$0]) }
        // `docker:` without slashes is what people write who mean a registry: it is none of the transports.
        let known = prefix.flatMap(Transport.init(rawValue:)).flatMap { $0 == .registry ? nil : $0 }
        if let prefix, known != nil { rest.removeFirst(prefix.utf8.count + 1) }
        guard !rest.isEmpty else { throw ImageError.usage("'\(text)': missing path; expected TRANSPORT:PATH") }
        if try exists(rest) {
            (location, name) = (rest, nil)
        } else {
            (location, name) = Self.split(rest)
        }
        guard !location.isEmpty else { throw ImageError.usage("'\(text)': missing path; expected TRANSPORT:PATH") }
        if let known {
            transport = known
        } else if try exists(location), let found = try recognise(location) {
            transport = found
        } else if try exists(location) {
            throw ImageError.usage("'\(location)': not an image archive, layout or store")
        } else {
            throw try ReferenceHints.missing(text, isWritten: isWritten) { path in
                guard try exists(path), let found = try? recognise(path) else { return false }
                return found == .store || found == .oci
            }
        }
        if name?.isEmpty == true { throw ImageError.usage("'\(text)': missing name after ':'") }
    }

    /// `store:s3://BUCKET/PREFIX[:NAME][@DIGEST]`: the location ends at the first colon after `//`.
    private init?(bucket text: String) throws {
        let start = Transport.store.prefix + Self.bucketScheme
        guard text.hasPrefix(start) else { return nil }
        var rest = text.dropFirst(start.count)
        var digest: Digest?
        if let at = rest.lastIndex(of: "@") {
            digest = Digest(rest[rest.index(after: at)...])
            if digest != nil { rest = rest[..<at] } else { try Self.refuseBadDigest(text) { _ in false } }
        }
        let place = rest.prefix { $0 != ":" }
        let name = place.count < rest.count ? String(rest.dropFirst(place.count + 1)) : nil
        guard !place.isEmpty, place.first != "/" else {
            throw ImageError.usage("'\(text)': missing bucket; expected store:s3://BUCKET/PREFIX")
        }
        if name?.isEmpty == true { throw ImageError.usage("'\(text)': missing name after ':'") }
        let end = String(place.reversed().drop { $0 == "/" }.reversed())
        self.init(transport: .store, location: Self.bucketScheme + end, name: name, digest: digest)
    }

    /// What follows the scheme of a registry: `docker://`, or `oci://` as Helm, Flux and ORAS write it.
    ///
    /// - Returns: nil for other references.
    private static func registry(_ rest: String, of text: String) throws -> String? {
        if rest.hasPrefix(Transport.registry.prefix) { return String(rest.dropFirst(Transport.registry.prefix.count)) }
        guard rest.hasPrefix("oci://") else { return nil }
        let place = String(rest.dropFirst("oci://".count))
        let host = place.prefix { $0 != "/" }
        guard looksLikeHost(String(host)) || host.contains(":") else {
            throw ImageError.usage(
                "'\(printable(text))': no registry's host follows oci://; write oci://HOST[:PORT]/REPOSITORY[:TAG], or oci:DIR for the "
                    + "layout in a directory")
        }
        return place
    }

    /// What begins like a digest is meant as one.
    private static func refuseBadDigest(_ text: String, exists: (String) throws -> Bool) throws {
        guard let at = text.lastIndex(of: "@"), try !exists(text) else { return }
        let end = text[text.index(after: at)...]
        for algorithm in Digest.Algorithm.allCases where end.hasPrefix("\(algorithm.rawValue):") {
            throw ImageError.usage(
                "'\(printable(text))': '\(end)' is no digest: \(algorithm.rawValue) has \(algorithm.hexLength) lower-case "
                    + "hexadecimal digits")
        }
    }

    /// At the first colon without a backslash.
    static func split(_ text: String) -> (String, String?) {
        var location = ""
        var rest = text[...]
        while let character = rest.first {
            rest.removeFirst()
            if character == "\\", rest.first == ":" {
                location.append(":")
                rest.removeFirst()
            } else if character == ":" {
                return (location, String(rest))
            } else {
                location.append(character)
            }
        }
        return (location, nil)
    }

    /// `HOST[:PORT][/REPOSITORY[:TAG]]`. The first component is a host if it has a dot, is `localhost` or an IPv6
    /// address in brackets, has a port before a `/`, or ends the text with a `/`; else all is a name at Docker Hub.
    static func splitRegistry(_ rest: String, of text: String) throws -> (String, String?) {
        guard !rest.isEmpty else { throw ImageError.usage("'\(text)' names no registry and no image") }
        guard !rest.utf8.contains(UInt8(ascii: "@")) else {
            throw ImageError.usage(
                "'\(printable(text))': invalid registry or image name; '@' stands only before a digest, and a user name and "
                    + "password are given by --creds or 'dray login'")
        }
        let first = String(rest.prefix { $0 != "/" })
        let hasSlash = first.count < rest.count
        let isHost = looksLikeHost(first) || (hasSlash && first.contains(":")) || rest == first + "/"
        var host = isHost ? first : "docker.io"
        var name = isHost ? String(rest.dropFirst(first.count + 1)) : rest
        if ["index.docker.io", "registry-1.docker.io"].contains(host) { host = "docker.io" }
        if host == "docker.io", !name.isEmpty, !name.contains("/") { name = "library/" + name }
        guard ImageName("\(host.contains(".") || host.contains(":") ? host : host + ":443")/a") != nil else {
            throw ImageError.usage("'\(printable(text))': '\(host)' is no host")
        }
        guard name.isEmpty || ImageName(withoutHost: name) != nil || RepositoryPattern(name) != nil else {
            throw ImageError.usage(
                "'\(printable(text))': '\(name)' is no REPOSITORY[:TAG]: lower case, digits, and single '.', '_', '-' "
                    + "and '/'")
        }
        return (host, name.isEmpty ? nil : name)
    }

    /// A reference for messages, however it is mistyped: without the user name and password that a URL may hold.
    package static func printable(_ text: String) -> String {
        let isPath = Transport.allCases.contains { $0 != .registry && text.hasPrefix($0.prefix) }
        return isPath && !text.contains("://") ? text : PrintableURL.value(text)
    }

    /// Whether it is a host wherever it stands.
    static func looksLikeHost(_ text: String) -> Bool {
        let bare = text.prefix { $0 != ":" }
        return bare.contains(".") || bare == "localhost" || text.hasPrefix("[")
    }

    package var description: String {
        if transport == .registry {
            let end = name == nil && !Self.looksLikeHost(location) ? "/" : ""
            return transport.prefix + location + end + (name.map { "/\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
        }
        let place = isBucket ? location : location.replacing(":", with: "\\:")
        return "\(transport.rawValue):\(place)"
            + (name.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}
