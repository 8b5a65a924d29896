import ArgumentParser
import ByteStreams
import ImageModel
import RegistryClient

/// `dray login`
struct LoginCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Check credentials with a registry, and keep them.",
        discussion: """
            They are kept where Docker and podman keep theirs: in $DOCKER_CONFIG/config.json if that is set, else \
            in podman's auth.json if that knows the registry, else in ~/.docker/config.json; or with the credential \
            helper that the file names. The password is asked for, or read from standard input; it is never an \
            argument, which every process on the machine could see.

            Examples:
              dray login registry.example:5000
              pass show registry | dray login -u deploy --password-stdin registry.example
            """)

    @Argument(help: ArgumentHelp("The registry, as HOST[:PORT].", valueName: "host"))
    var host: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The user's name.", valueName: "name"))
    var username: String?

    @Flag(help: "Read the password from standard input.")
    var passwordStdin = false

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    private struct Row: Encodable, Sendable {
        var registry: String
        var username: String
        var keptIn: String
        var checked: Bool
    }

    func validate() throws {
        if passwordStdin, username == nil { throw ValidationError("--password-stdin needs --username") }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let host = try RegistryHost.named(host)
        let options = try registry.options(console)
        let credentials = if let given = options.credentials { given } else { try await ask(host) }
        let record = try await Login.login(host, credentials, options: options)
        let user = if case .password(let user, _) = credentials { user } else { "" }
        if !record.isChecked {
            console.note("\(host): password saved, but it could not be checked: the registry answers without it")
        }
        try await console.report(
            Row(registry: host, username: user, keptIn: record.place, checked: record.isChecked),
            text: [
                "\(record.isChecked ? "logged in to" : "login saved for") \(host) as \(Printable.line(user)), kept in "
                    + record.place
            ])
        return .done
    }

    private func ask(_ host: String) async throws -> Credentials {
        try await Blocking.run {
            if passwordStdin, let username {
                let bytes = try TextFile.read(
                    DescriptorSource.standardInput(), limit: 64 << 10, name: "the password")
                var password = String(decoding: bytes, as: UTF8.self)
                while password.last?.isNewline == true { password.removeLast() }
                guard !password.isEmpty else { throw ImageError.refused("standard input holds no password") }
                return .password(user: username, password: password)
            }
            let terminal = try Terminal()
            let user = try username ?? terminal.ask("Username for \(host): ", hidden: false)
            let password = try terminal.ask("Password for \(user) at \(host): ", hidden: true)
            guard !user.isEmpty, !password.isEmpty else {
                throw ImageError.refused("no user name or no password was given")
            }
            return .password(user: user, password: password)
        }
    }
}
