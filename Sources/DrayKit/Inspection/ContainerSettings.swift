/// What a config says about the container to run. Source: OCI image-spec, config.md, "config".
public struct ContainerSettings: Codable, Sendable {
    public var user: String?
    public var exposedPorts: [String]?
    public var env: [String]?
    public var entrypoint: [String]?
    public var cmd: [String]?
    public var volumes: [String]?
    public var workingDir: String?
    public var labels: [String: String]?
    public var stopSignal: String?

    private struct Config: Decodable {
        var config: Body?
    }

    private struct Body: Decodable {
        var user: String?
        var exposedPorts: [String: JSONAnything]?
        var env: [String]?
        var entrypoint: [String]?
        var cmd: [String]?
        var volumes: [String: JSONAnything]?
        var workingDir: String?
        var labels: [String: String]?
        var stopSignal: String?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case user = "User"
            case exposedPorts = "ExposedPorts"
            case env = "Env"
            case entrypoint = "Entrypoint"
            case cmd = "Cmd"
            case volumes = "Volumes"
            case workingDir = "WorkingDir"
            case labels = "Labels"
            case stopSignal = "StopSignal"
        }
    }

    private static let members = MemberNames(
        ["config"] + Body.CodingKeys.allCases.map(\.rawValue), parents: ["config"])

    /// - Returns: nil if the config has no such part.
    init?(of config: Descriptor, in source: any ImageSource, repository: String?) async throws {
        let bytes = try await source.document(config, in: repository)
        let name = "\(source.title): config \(config.digest)"
        let config = try Document.decode(
            Config.self, from: bytes, name: name, members: Self.members, acceptsSpellings: true)
        guard let body = config.config else { return nil }
        func unlessEmpty(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }
        user = unlessEmpty(body.user)
        exposedPorts = body.exposedPorts.map { $0.keys.sorted() }
        env = body.env
        entrypoint = body.entrypoint
        cmd = body.cmd
        volumes = body.volumes.map { $0.keys.sorted() }
        workingDir = unlessEmpty(body.workingDir)
        labels = body.labels
        stopSignal = unlessEmpty(body.stopSignal)
    }
}
