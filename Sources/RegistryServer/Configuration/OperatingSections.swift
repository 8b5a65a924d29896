import ConfigurationFiles
import ImageModel

extension ServerConfiguration.Health {
    init(_ section: Section) {
        self.init()
        let storage = section.section("storagedriver")
        storage.read("enabled", .flag, into: &checksStorage)
        storage.read("interval", .duration, into: &storageInterval, unless: .zero)
        storage.read("threshold", .count, into: &storageThreshold, unless: 0)
        checks =
            section.sections("file").compactMap { Check($0, Self.file) }
            + section.sections("http").compactMap { Check($0, Self.http) }
            + section.sections("tcp").compactMap { Check($0, Self.tcp) }
    }

    private static func file(_ section: Section) -> Check.Target? {
        section.require("file", .text, "write the path of the file whose presence means trouble").map { .file($0) }
    }

    private static func http(_ section: Section) -> Check.Target? {
        let url = section.require("uri", .askedURL, "write the URL that has to answer")
        var status = 200
        section.read("statuscode", .number(in: 0...599), into: &status, unless: 0)
        let headers = section.read("headers", .headers) ?? []
        let timeout = timeout(section)
        return url.map { url in
            let pairs = url.headers(headers).flatMap { header in header.values.map { (name: header.name, value: $0) } }
            return .http(url: url.url, status: status, headers: pairs, timeout: timeout)
        }
    }

    private static func tcp(_ section: Section) -> Check.Target? {
        let address = section.require("addr", .remoteAddress, "write the HOST:PORT that has to answer")
        let timeout = timeout(section)
        return address.map { .tcp(address: $0, timeout: timeout) }
    }

    /// The original waits for ever where none is set, and then never calls anything ill.
    private static func timeout(_ section: Section) -> Duration {
        var timeout = Duration.seconds(5)
        section.read("timeout", .duration, into: &timeout, unless: .zero)
        return timeout
    }
}

extension ServerConfiguration.Health.Check {
    init?(_ section: Section, _ target: (Section) -> Target?) {
        let found = target(section)
        self.init(found ?? .file(""))
        section.read("interval", .duration, into: &interval, unless: .zero)
        section.read("threshold", .count, into: &threshold, unless: 0)
        if found == nil { return nil }
    }
}

extension ServerConfiguration.Notifications {
    init(_ section: Section) {
        self.init()
        endpoints = section.sections("endpoints").compactMap { Endpoint($0) }
        section.section("events").read("includereferences", .flag, into: &includesReferences)
    }
}

extension ServerConfiguration.Notifications.Endpoint {
    private enum Action: String, CaseIterable { case pull, push, mount, delete }

    init?(_ section: Section) {
        let isOff = section.read("disabled", .flag) ?? false
        let address =
            isOff ? section.read("url", .askedURL) : section.require("url", .askedURL, "write where events are to go")
        // The name is in logs and metrics, and may be the URL.
        self.init(name: PrintableURL.value(section.read("name", .text) ?? section.path), url: address?.url ?? "")
        isDisabled = isOff
        section.read("headers", .headers, into: &headers)
        headers = address?.headers(headers) ?? headers
        section.read("timeout", .duration, into: &timeout, unless: .zero)
        section.read("threshold", .count, into: &threshold, unless: 0)
        section.read("backoff", .duration, into: &backoff, unless: .zero)
        let ignored = section.section("ignore")
        ignoredMediaTypes =
            (section.read("ignoredmediatypes", .texts) ?? []) + (ignored.read("mediatypes", .texts) ?? [])
        let actions = ValueKind.texts { (name) throws(Complaint) in
            if Action(rawValue: name) != nil { return }
            let names = Action.allCases.map(\.rawValue).joined(separator: ", ")
            throw Complaint("\(quoted(name)) is nothing that events tell of: write some of \(names)")
        }
        ignored.read("actions", actions, into: &ignoredActions)
        if address == nil { return nil }
    }
}

extension ServerConfiguration.Proxy {
    /// nil: off.
    init?(_ section: Section) {
        let address = section.read("remoteurl", .upstreamURL)
        self.init(url: address ?? "")
        section.read("username", .secret, into: &username)
        section.read("password", .secret, into: &password)
        section.read("ttl", .duration, into: &lifetime)
        section.read("checkinterval", .duration, into: &checkInterval)
        section.read("internalredirects", .flag, into: &allowsInternalRedirects)
        let exec = section.section("exec")
        if exec.isThere, let program = exec.require("command", .text, "write the name or path of a credential helper") {
            var command = CredentialCommand(program: program)
            exec.read("lifetime", .duration, into: &command.lifetime)
            credentialCommand = command
            if username != nil || password != nil {
                section.warn("exec", "is used instead of username and password: remove one or the other")
            }
        }
        section.dismiss("remotenamespace", "repositories are asked for by the names that they have here")
        section.dismiss("cachewritetimeout", "a blob is stored while it arrives, without a time limit")
        guard address != nil else {
            if username != nil, !section.has("remoteurl") {
                section.warn("remoteurl", "is missing: nothing is fetched from another registry")
            }
            return nil
        }
        if credentialCommand == nil, (username == nil) != (password == nil) {
            section.warn(
                username == nil ? "password" : "username",
                "is ignored on its own: write both username and password, or neither")
        }
    }
}
