import ConfigurationFiles

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
