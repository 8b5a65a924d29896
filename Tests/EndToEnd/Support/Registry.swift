import Foundation
import Testing

/// Debian's docker-registry, serving a directory for as long as this lives.
final class Registry {
    let address: String
    private let process = Process()
    let config: String

    /// - Parameters:
    ///   - extra: YAML lines beside the usual ones.
    ///   - tls: YAML of `http.tls`.
    init(serving root: String, scratch: Scratch, extra: String = "", tls: String? = nil) async throws {
        config = scratch["registry-\(UUID().uuidString).yml"]
        let port = try Self.freePort()
        address = "127.0.0.1:\(port)"
        let yaml = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(root)}, delete: {enabled: true}}
            compatibility: {schema1: {enabled: true}}
            http: {addr: "\(address)"\(tls.map { ", tls: \($0)" } ?? "")}
            \(extra)
            """
        try Data(yaml.utf8).write(to: URL(filePath: config))
        process.executableURL = URL(filePath: "/usr/bin/docker-registry")
        process.arguments = ["serve", config]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.start()
        // curl itself waits until the registry answers.
        let ready = try Command.shell(
            "curl -sk -o /dev/null --retry 100 --retry-connrefused --retry-delay 0 --retry-max-time 20 "
                + "\(tls == nil ? "http" : "https")://\(address)/v2/")
        // One that wants a client's certificate ends the conversation in one of several ways, but it is there:
        // only 7 (nobody listens) and 28 (nobody answers) say that it is not.
        try #require(![7, 28].contains(ready.status))
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// What the registry's own garbage collection would delete.
    func garbage() throws -> [String] {
        let result = try Command.run("docker-registry", ["garbage-collect", "--dry-run", config])
        #expect(result.status == 0, "\(result.errors)")
        return result.lines.filter { $0.contains("eligible for deletion: ") }
    }

    /// Checks that every image is served with its digest, and that its parts are all there.
    func check(_ rows: [Row], scratch: Scratch, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for row in Set(rows) {
            let raw = try Command.shell(
                "skopeo inspect --raw --tls-verify=false docker://\(address)/\(row.name) | sha256sum")
            #expect(
                raw.status == 0 && "sha256:\(raw.text.prefix(64))" == row.digest, "\(row.name): \(raw.errors)",
                sourceLocation: sourceLocation)
            let target = scratch["pull"]
            let pull = try Command.shell(
                "rm -rf \(target); skopeo copy -q --all --src-tls-verify=false docker://\(address)/\(row.name) dir:\(target)"
            )
            // skopeo cannot copy an index in an index, which a layout may well hold.
            let isNested = pull.errors.contains("Unexpectedly received a manifest list")
            #expect(pull.status == 0 || isNested, "\(row.name): \(pull.errors)", sourceLocation: sourceLocation)
        }
    }

    static func freePort() throws -> Int {
        let result = try Command.run(
            "python3",
            ["-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"])
        return try #require(Int(result.text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
