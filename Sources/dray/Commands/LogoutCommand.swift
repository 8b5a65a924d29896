import ArgumentParser
import ImageModel
import RegistryClient

/// `dray logout`
struct LogoutCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Forget a registry's credentials.",
        discussion: """
            They are taken out of every file and helper in which dray would look for them.

            Example:
              dray logout registry.example:5000
            """)

    @Argument(help: ArgumentHelp("The registry, as HOST[:PORT].", valueName: "host"))
    var host: String

    @Option(help: ArgumentHelp("Look only into this file.", valueName: "file"))
    var authfile: String?

    @OptionGroup var shared: SharedOptions

    private struct Row: Encodable, Sendable {
        var registry: String
        var removedFrom: [String]
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let host = try RegistryHost.named(host)
        let places = try await Login.logout(host, file: authfile)
        if places.isEmpty { Console(shared).note("nobody is logged in to \(host)") }
        try await console.report(
            Row(registry: host, removedFrom: places), text: places.map { "logged out of \(host), in \($0)" })
        return .done
    }
}
