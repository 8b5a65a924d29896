import ByteStreams
import Glibc
package import ImageModel

/// A file in which Docker or podman keep credentials.
///
/// Source: Docker's `config.json` and containers-auth.json(5):
/// `{"auths": {"HOST[/PATH]": {"auth": base64(USER:PASSWORD), "identitytoken": …}}, "credsStore": …, "credHelpers": {HOST: …}}`.
package struct CredentialFile: Sendable {
    let path: String
    /// All of it: what is not understood stays as it is.
    package private(set) var content: [String: JSONValue]
    /// Whether the file that was read belongs to this process's user: a new one in its place does so then, too.
    private var isOwn = false

    /// - Throws: `ImageError`, `ImageError.io`. A file that is not there is an empty one.
    init(_ path: String) throws {
        guard let file = try OpenFile.ifThere(path) else {
            try self.init([], path: path)
            return
        }
        try self.init(TextFile.read(FileSource(file), limit: Document.sizeLimit, name: path), path: path)
        isOwn = try file.isOwn
    }

    /// - Parameter bytes: of the file; an empty one says nothing.
    package init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        content = bytes.allSatisfy { $0 <= 32 } ? [:] : try Document.object(from: bytes, name: path)
    }

    /// The files that may hold credentials, the first one first. One that the user has named has to be readable.
    ///
    /// - Parameters:
    ///   - given: the only one, if an option names it.
    ///   - report: called for each other unreadable file, except in another user's runtime directory.
    static func all(
        only given: String? = nil, unreadable report: (any Error) -> Void = { _ in }
    ) throws -> [CredentialFile] {
        if let only = given ?? variable("REGISTRY_AUTH_FILE") { return [try CredentialFile(only)] }
        let podman = [
            "\(variable("XDG_RUNTIME_DIR") ?? "/run/user/\(getuid())")/containers/auth.json",
            "/run/containers/\(getuid())/auth.json",
            "\(variable("XDG_CONFIG_HOME") ?? "\(home)/.config")/containers/auth.json",
        ]
        let isNamed = variable("DOCKER_CONFIG") != nil
        let paths = isNamed ? [docker] + podman : podman + [docker]
        return try paths.compactMap { path in
            do {
                return try CredentialFile(path)
            } catch let error as ImageError where error.code != .invalidDocument && !(isNamed && path == docker) {
                let isRuntime = podman.prefix(2).contains(path)
                if error.errno == EACCES, isRuntime { return nil }
                report(error)
                return nil
            }
        }
    }

    /// Where `login` puts credentials: `$DOCKER_CONFIG`, or podman's file if that has the host, or Docker's.
    ///
    /// - Parameter given: the file that an option names.
    static func forLogin(to host: String, in given: String? = nil) throws -> CredentialFile {
        if let given { return try CredentialFile(given) }
        let files = try all()
        if variable("REGISTRY_AUTH_FILE") == nil, variable("DOCKER_CONFIG") == nil,
            let podman = files.first(where: { $0.path != docker && $0.holds(host) })
        {
            return podman
        }
        return try variable("REGISTRY_AUTH_FILE") != nil ? files[0] : CredentialFile(docker)
    }

    private static var docker: String { "\(variable("DOCKER_CONFIG") ?? "\(home)/.docker")/config.json" }
    private static var home: String { variable("HOME") ?? "/root" }
    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: What it says

    /// The suffix of the program that keeps a host's credentials: `docker-credential-SUFFIX`.
    package func helper(for host: String) -> String? {
        for (key, value) in content["credHelpers"]?.object ?? [:] where Self.normal(key) == host {
            if let suffix = value.string, !suffix.isEmpty { return suffix }
        }
        return content["credsStore"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    package func holds(_ host: String) -> Bool {
        (content["auths"]?.object ?? [:]).keys.contains { Self.normal($0).split(separator: "/").first ?? "" == host }
            || (content["credHelpers"]?.object ?? [:]).keys.contains { Self.normal($0) == host }
    }

    /// Credentials by `HOST` or `HOST/PATH`.
    package var entries: [String: Credentials] {
        var entries: [String: Credentials] = [:]
        for (key, value) in content["auths"]?.object ?? [:] {
            guard let entry = value.object, let found = Self.credentials(entry) else { continue }
            entries[Self.normal(key)] = found
        }
        return entries
    }

    private static func credentials(_ entry: [String: JSONValue]) -> Credentials? {
        let pair = entry["auth"]?.string.flatMap { decoded($0) }.flatMap { Credentials($0) }
        if let token = entry["identitytoken"]?.string, !token.isEmpty {
            if case .password(let user, _) = pair { return .identityToken(user: user, token: token) }
            return .identityToken(user: "", token: token)
        }
        if let token = entry["registrytoken"]?.string, !token.isEmpty { return .registryToken(token) }
        if let pair { return pair }
        guard let user = entry["username"]?.string, let password = entry["password"]?.string else { return nil }
        return .password(user: user, password: password)
    }

    /// `USER:PASSWORD`, as `base64` of the shell encodes it: in lines, and with the line end that `echo` adds.
    private static func decoded(_ auth: String) -> String? {
        var text = auth.filter { !$0.isWhitespace }
        while text.last == "=" { text.removeLast() }
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let bytes = Base64.decode(text) else { return nil }
        let lineEnds = [UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0]
        let pair = bytes.prefix { $0 != 0 }.reversed().drop { lineEnds.contains($0) }.reversed()
        return String(decoding: pair, as: UTF8.self)
    }

    /// Keys come with and without scheme, and Docker Hub's under several names.
    package static func normal(_ key: String) -> String {
        var key = key[...]
        for scheme in ["https://", "http://"] where key.hasPrefix(scheme) {
            key = key.dropFirst(scheme.count).prefix { $0 != "/" }
        }
        if key.hasSuffix("/") { key = key.dropLast() }
        // Behind the host, it is the API's version; anywhere else, it is part of a repository's name.
        for ending in ["/v1", "/v2"] where key.hasSuffix(ending) && !key.dropLast(ending.count).contains("/") {
            key = key.dropLast(ending.count)
        }
        let host = key.prefix { $0 != "/" }
        return (["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : String(host))
            + key.dropFirst(host.count)
    }

    // MARK: Changing it

    /// The name that Docker gives to a host's entry.
    static func key(for host: String) -> String { host == "docker.io" ? "https://index.docker.io/v1/" : host }

    package mutating func set(_ credentials: Credentials?, for host: String) {
        var auths = content["auths"]?.object ?? [:]
        let key = auths.keys.first { Self.normal($0) == host } ?? Self.key(for: host)
        switch credentials {
        case nil: auths[key] = nil
        case .password(let user, let password):
            auths[key] = .object(["auth": .string(Base64.encode(Array("\(user):\(password)".utf8)))])
        case .identityToken(let user, let token):
            auths[key] = .object([
                "auth": .string(Base64.encode(Array("\(user):".utf8))), "identitytoken": .string(token),
            ])
        case .registryToken(let token): auths[key] = .object(["registrytoken": .string(token)])
        }
        content["auths"] = .object(auths)
    }

    /// Mentions a host whose credentials are with a helper, as Docker does.
    mutating func mention(_ host: String) {
        var auths = content["auths"]?.object ?? [:]
        auths[Self.key(for: host)] = .object([:])
        content["auths"] = .object(auths)
    }

    /// For this user's eyes only, whole or not at all.
    func save() throws {
        _ = try DirectoryHandle.make(parent(of: path), mode: 0o700)
        // A link, as dotfile managers make them, stays one.
        let place = try FilePlace(path, followingLinks: true)
        let file = try StagedFile(
            in: place.directory, ownership: isOwn ? .own : Ownership(above: place.directory), mode: 0o600)
        try file.write(Document.encode(content, pretty: true) + [10])
        try file.commit(to: place.name, in: place.directory)
    }
}
