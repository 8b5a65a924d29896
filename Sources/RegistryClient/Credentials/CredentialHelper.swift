import ImageModel
import Subprocess
import SystemPackage

/// A program that keeps credentials: `docker-credential-SUFFIX`.
///
/// Source: docker/docker-credential-helpers: a verb as argument, the server on standard input, JSON back.
package struct CredentialHelper: Sendable {
    /// Its name; or its path, where that may be one.
    private let program: String
    private let mayBePath: Bool
    /// Who names it, for messages.
    private let origin: String

    /// The program that a credential file names.
    init(suffix: String) {
        program = "docker-credential-\(suffix)"
        mayBePath = false
        origin = "the credential file"
    }

    /// - Parameters:
    ///   - program: its name or path.
    ///   - origin: who names the program, for messages.
    package init(program: String, namedBy origin: String) {
        self.program = program
        mayBePath = true
        self.origin = origin
    }

    private struct Entry: Codable {
        /// Some answer without it.
        var server: String?
        var user: String
        var secret: String

        enum CodingKeys: String, CodingKey {
            case server = "ServerURL"
            case user = "Username"
            case secret = "Secret"
        }
    }

    private static let members = MemberNames(["ServerURL", "Username", "Secret"])

    /// - Returns: nil if it has none for this host.
    func get(_ host: String) async throws -> Credentials? {
        for server in host == "docker.io" ? ["https://index.docker.io/v1/"] : [host, "https://\(host)"] {
            if let found = try await get(server: server) { return found }
        }
        return nil
    }

    /// Asks for one server, by exactly this name.
    ///
    /// - Returns: nil if it has none for it.
    package func get(server: String) async throws -> Credentials? {
        let (output, isDone) = try await run("get", input: server)
        guard isDone else {
            if output.contains("credentials not found") { return nil }
            throw failure("failed to get credentials for \(server)")
        }
        let entry = try? Document.decode(
            Entry.self, from: Array(output.utf8), name: "its answer", members: Self.members, acceptsSpellings: true)
        guard let entry else {
            throw failure("gave an invalid answer for \(server)")
        }
        guard !entry.secret.isEmpty else { return nil }
        return entry.user == "<token>"
            ? .identityToken(user: "", token: entry.secret)
            : .password(user: entry.user, password: entry.secret)
    }

    func store(_ credentials: Credentials, for host: String) async throws {
        let entry: Entry
        switch credentials {
        case .password(let user, let password):
            entry = Entry(server: CredentialFile.key(for: host), user: user, secret: password)
        case .identityToken(_, let token), .registryToken(let token):
            entry = Entry(server: CredentialFile.key(for: host), user: "<token>", secret: token)
        }
        let (_, isDone) = try await run(
            "store", input: String(decoding: try Document.encode(entry), as: UTF8.self))
        guard isDone else {
            throw failure("failed to store the credentials")
        }
    }

    func erase(_ host: String) async throws { _ = try await run("erase", input: CredentialFile.key(for: host)) }

    /// What it said is not shown: there may be a password in it.
    private func failure(_ what: String) -> ImageError {
        .refused("\(program) (named by \(origin)) \(what); run it by hand to see why")
    }

    private func run(_ verb: String, input: String) async throws -> (output: String, isDone: Bool) {
        let isPath = program.contains("/")
        guard !isPath || mayBePath else {
            throw ImageError.refused("'\(program)': invalid credential helper; expected a name without '/'")
        }
        do {
            let question = try Self.pipe(holding: input)
            let result = try await withThrowingTaskGroup(of: (String, Bool).self) { group in
                group.addTask {
                    let result = try await Subprocess.run(
                        isPath ? .path(FilePath(program)) : .name(program), arguments: [verb],
                        input: .fileDescriptor(question, closeAfterSpawningProcess: true),
                        output: .string(limit: 1 << 20), error: .discarded)
                    return (result.standardOutput, result.terminationStatus.isSuccess)
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(60))
                    throw ImageError.refused("\(program): no answer within 60 seconds; run it by hand to see why")
                }
                defer { group.cancelAll() }
                return try await group.next() ?? ("", false)
            }
            return (result.0.filter { !$0.isNewline }, result.1)
        } catch let error as SubprocessError {
            throw ImageError.refused(
                "\(program): cannot be run (\(error)); install it, or remove it from \(origin)")
        }
    }

    /// A pipe's reading end, with all of the text in it already: a helper may end without reading what it is
    /// given, and then nobody may be left writing.
    private static func pipe(holding text: String) throws -> FileDescriptor {
        guard text.utf8.count <= 32 << 10 else {
            throw ImageError.refused("the credentials are too large for a credential helper")
        }
        let ends = try FileDescriptor.pipe()
        return try ends.writeEnd.closeAfter {
            do {
                try ends.writeEnd.writeAll(text.utf8)
                return ends.readEnd
            } catch {
                try? ends.readEnd.close()
                throw error
            }
        }
    }
}
