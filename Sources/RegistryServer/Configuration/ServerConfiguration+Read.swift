import ByteStreams
import ConfigurationFiles
package import ImageModel

extension ServerConfiguration {
    /// Reads a registry's `config.yml`, and the variables that override it.
    ///
    /// - Parameters:
    ///   - environment: of which the variables `REGISTRY_...` count.
    /// - Returns: the configuration, and what in it does nothing or is likely meant otherwise: sentences that begin
    ///   with `FILE:LINE:` or the variable's name.
    /// - Throws: `ImageError` with all that is wrong, or why the file cannot be read.
    public static func read(
        path: String, environment: [String: String]
    ) throws -> (configuration: ServerConfiguration, warnings: [String]) {
        let bytes: [UInt8]?
        do {
            bytes = try TextFile.read(path, limit: YAMLNode.sizeLimit)
        } catch let error as ImageError where error.code == .damaged {
            throw ImageError.configuration([error.description])
        }
        guard let bytes else { throw ImageError.configuration(["\(path): there is no such file: name a config.yml"]) }
        return try read(bytes, name: path, environment: environment)
    }

    /// Reads what stands in a file.
    ///
    /// - Parameters:
    ///   - name: of the file, for messages.
    package static func read(
        _ bytes: [UInt8], name: String, environment: [String: String]
    ) throws(ImageError) -> (configuration: ServerConfiguration, warnings: [String]) {
        let findings = Findings()
        var root: YAMLNode
        do {
            root = try YAMLNode(parsing: bytes, from: .file(name))
        } catch {
            throw ImageError.configuration([error.description])
        }
        if root.isNull { throw ImageError.configuration(["\(name): is empty: begin it with 'version: 0.1'"]) }
        let version = Section(root, path: "", place: YAMLPlace(.file(name), line: 1), findings: Findings())
        EnvironmentOverrides(environment).apply(to: &root, findings: findings)

        let file = Section(root, path: "", place: YAMLPlace(.file(name), line: 1), findings: findings)
        if case .mapping = root.content { check(version: version.read("version", .text), of: file) }
        let configuration = ServerConfiguration(file)
        file.finish()
        return (configuration, try findings.warningsUnlessMistaken())
    }

    /// The file has to say it itself: it is what tells how to understand all else.
    private static func check(version: String?, of file: Section) {
        file.accept("version")
        if version == "0.1" { return }
        let found = version.map { "\(quoted($0)) is no version that is understood" } ?? "is missing"
        file.complain("version", "\(found): write 'version: 0.1'")
    }

    private init(_ file: Section) {
        self.init(storage: Storage(file.section("storage", isChoice: true)))
        log = Log(file.section("log"), oldLevel: file.read("loglevel", .choice()))
        http = HTTP(file.section("http"))
        file.refuseEmpty("auth", "everybody would be let in; write htpasswd or token, or 'auth: none'")
        file.refuseMisspellings(of: "auth")
        access = Access(file.section("auth", isChoice: true))
        health = Health(file.section("health"))
        validation = Validation(file.section("validation"))
        notifications = Notifications(file.section("notifications"))
        file.section("catalog").read("maxentries", .count, into: &catalogLimit, unless: 0)
        file.section("tags").read("maxtags", .count, into: &tagsLimit, unless: 0)
        proxy = Proxy(file.section("proxy"))

        file.dismiss("middleware", "dray has no middleware; what it was to do is not done")
        file.dismiss("redis", "dray keeps nothing in Redis and needs no cache there")
        file.dismiss("reporting", "dray reports to nobody; errors are in its log")
        let compatibility = "images of Docker's old schema 1 are served as they are stored, and none are made"
        file.dismiss("compatibility", compatibility)
        file.refuse("policy", "images and plugins of every class are taken; remove it")
    }
}
