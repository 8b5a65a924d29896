import ConfigurationFiles
import ImageModel
import ImageTransfer
import RegistryClient

extension SyncFile {
    init(_ file: Section) {
        var registries: [String: SyncRegistry] = [:]
        let hosts = file.section("registries")
        for host in hosts.keys {
            if !isHost(host) {
                hosts.complain(
                    host, "\(quoted(host)) is no HOST[:PORT] of a registry: write it as images are named by it")
            }
            registries[host] = SyncRegistry(hosts.section(host))
        }
        var defaults = RuleSettings()
        defaults.read(file.section("defaults"))
        let rules = file.sections("rules")
        if rules.isEmpty {
            file.complain("rules", "there are none: write a list of them, each with 'source' and 'destination'")
        }
        self.init(
            rules: rules.enumerated().compactMap { index, section in
                SyncRule(section, number: index + 1, defaults: defaults)
            }, registries: registries)
    }
}

private func isHost(_ text: String) -> Bool {
    let reference = try? ImageReference("docker://\(text)/", exists: { _ in false }, recognise: { _ in nil })
    return reference.map { $0.location == text && $0.name == nil } ?? false
}

extension SyncRegistry {
    init(_ section: Section) {
        self.init()
        let credentials = section.section("credentials")
        account = Account(credentials)
        section.read("tls-verify", .flag, into: &verifiesTLS)
        section.read("plain-http", .flag, into: &plainHTTP)
        section.read("ca-files", .list(.text), into: &authorityFiles)
        rateLimiter = section.read("rate", .rate).map { RateLimiter(bytesPerSecond: $0) }
        section.read("jobs", .jobs, into: &jobs)
    }
}

extension SyncRegistry.Account {
    /// - Returns: nil if none is named.
    fileprivate init?(_ section: Section) {
        let file = section.read("file", .text)
        let variable = section.read("environment", .text)
        let user = section.read("user", .text)
        let password = section.read("password", .secret)
        let ways = [file != nil, variable != nil, section.has("user") || section.has("password")].filter { $0 }.count
        if ways > 1 {
            section.complain("credentials come from one place: from 'file', 'environment', or 'user' and 'password'")
        } else if section.has("user") != section.has("password") {
            section.complain("'user' and 'password' go together")
        } else if ways == 0, section.isThere {
            section.complain("says nothing: write 'file', 'environment', or 'user' and 'password'")
        }
        if let file {
            self = .file(file)
        } else if let variable {
            self = .variable(variable)
        } else if let user, let password {
            self = .plain(.password(user: user, password: password))
        } else {
            return nil
        }
    }
}

/// What a rule may leave to the defaults.
private struct RuleSettings {
    var destination: ImageReference?
    var tags: TagSelection?
    var repositories: [TextPattern] = []
    var rename: NameTemplate?
    var options: CopyOptions = {
        var options = CopyOptions()
        options.keepGoing = true
        // A rule is run again and again: the archive that an earlier run made is replaced.
        options.onExistingFile = .overwrite
        options.names.prefix = "rename"
        options.names.onExisting = "on-existing"
        options.names.platform = "platforms:"
        options.names.compression = "compression:"
        return options
    }()

    mutating func read(_ section: Section) {
        section.read("destination", .reference, into: &destination)
        if let destination, destination.digest != nil {
            section.complain("destination", "has a digest, which is what comes out: leave it out")
        }
        if let destination, destination.isStandardStream {
            section.complain("destination", "is standard output, where several rules would meet: name a file")
        }
        if section.has("tags") { tags = TagSelection(section.section("tags")) }
        section.read("repositories", .list(.glob), into: &repositories)
        section.read("rename", .template, into: &rename)
        var platforms: [String] = []
        section.read("platforms", .list(.platform), into: &platforms)
        if platforms.contains(PlatformChoice.presentWord), platforms.count > 1 {
            section.complain("platforms", "'present' cannot be combined with other platforms")
        } else if !platforms.isEmpty {
            options.platforms = PlatformChoice(platforms) ?? options.platforms
        }
        section.read("format", .choice(), into: &options.format)
        if let (choice, level) = section.read("compression", .compression) {
            options.compression = choice
            options.level = level
        }
        section.read("strict", .flag, into: &options.strict)
        if let onExisting = section.read("on-existing", ValueKind<CopyOptions.OnExisting>.choice()) {
            options.onExisting = onExisting
            options.onExistingFile = onExisting
            options.onClash = onExisting
        }
        section.read("jobs", .jobs, into: &options.jobs)
    }
}

extension SyncRule {
    /// - Returns: nil if something is missing, which is a mistake then.
    fileprivate init?(_ section: Section, number: Int, defaults: RuleSettings) {
        var settings = defaults
        settings.read(section)
        let source = section.require("source", .reference, "write where the images come from: docker://HOST/REPOSITORY")
        let name = section.read("name", .text)
        if settings.destination == nil, !section.has("destination") {
            section.complain("destination", "is missing: write where the images go to, here or in 'defaults'")
        }
        guard let source, let destination = settings.destination else { return nil }
        self.init(name: name ?? "rule \(number)", source: source, destination: destination)
        repositories = settings.repositories
        tags = settings.tags
        rename = settings.rename
        options = settings.options
        if source.isStandardStream {
            section.complain("source", "is standard input, which can be read only once: name a file")
        }
        if source.digest != nil, section.has("tags") || section.has("repositories") {
            section.complain("source", "names one image by its digest, so that there is nothing to choose by tags")
        }
        if source.digest != nil {
            tags = nil
            repositories = []
        }
        if source.isPublicRegistry, tags == nil, source.digest == nil, !(source.name?.contains(":") ?? false) {
            section.complain(
                "source", "is everything that is there, at a public registry: name a tag, or choose some with 'tags'")
        }
    }
}

extension TagSelection {
    fileprivate init(_ section: Section) {
        self.init()
        section.read("names", .list(.tag), into: &names)
        patterns = (section.read("globs", .list(.glob)) ?? []) + (section.read("expressions", .list(.expression)) ?? [])
        section.read("semver", .list(.versions), into: &versions)
        section.read("except", .list(.glob), into: &except)
        if section.has("newest") {
            let limit = section.section("newest")
            let count = limit.require("count", .wholeNumber(in: 1...100_000), "write how many tags are wanted")
            let order = limit.require("by", ValueKind<Order>.choice(), "write 'semver' or 'created'")
            if let count, let order { newest = Newest(count, by: order) }
        }
    }
}
