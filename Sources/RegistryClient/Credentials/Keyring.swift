import ImageModel
import Synchronization

/// The credentials that are known for one registry.
package struct Keyring: Sendable {
    private let host: String
    /// By `HOST` or `HOST/PATH`, file by file: the first file that has something for a repository decides.
    private let layers: [[String: Credentials]]
    /// Instead of the layers: an account whose credentials are replaced from time to time.
    private var account: ChangingCredentials?
    /// Places of credentials that could not be read, such as a helper that is missing: what needs no credentials goes on
    /// without them.
    let problems: [String]

    /// None.
    package init() { self.init(host: "", layers: []) }

    /// One account for everything.
    init(_ only: Credentials) { self.init(host: "", layers: [["": only]]) }

    /// One account for everything, whose credentials may be replaced later.
    init(_ account: ChangingCredentials) {
        self.init()
        self.account = account
    }

    init(host: String, layers: [[String: Credentials]], problems: [String] = []) {
        self.host = host
        self.layers = layers
        self.problems = problems
    }

    /// Whether there may be credentials that could not be read.
    var isPartial: Bool { !problems.isEmpty }

    /// Loads the credentials for a host from Docker's and podman's files and helpers. The keyring notes what could not be
    /// read.
    ///
    /// - Parameters:
    ///   - host: `HOST[:PORT]`.
    ///   - file: instead of Docker's and podman's.
    package static func load(for host: String, in file: String? = nil) async throws -> Keyring {
        let host = CredentialFile.normal(host)
        var layers: [[String: Credentials]] = []
        var problems: [String] = []
        for file in try CredentialFile.all(only: file, unreadable: { problems.append("\($0)") }) {
            var entries = file.entries.filter { key, _ in key == host || key.hasPrefix(host + "/") }
            if let helper = file.helper(for: host) {
                do {
                    if let found = try await CredentialHelper(suffix: helper).get(host) { entries[host] = found }
                } catch let error as ImageError {
                    problems.append("\(error)")
                }
            }
            layers.append(entries)
        }
        return Keyring(host: host, layers: layers, problems: problems)
    }

    /// Leaves out all credentials, and notes why if there are any.
    func withheld() -> Keyring {
        guard !all.isEmpty else { return self }
        return Keyring(
            host: host, layers: [],
            problems: problems + [
                "the saved login is not sent, since --plain-http or --tls-verify=false applies to several registries; "
                    + "use that option of one side (--src-tls-verify, --dest-tls-verify, --src-plain-http, "
                    + "--dest-plain-http), or set insecure = true for \(host) in registries.conf"
            ])
    }

    /// The most specific: `HOST/a/b` before `HOST/a` before `HOST`.
    func credentials(for repository: String?) -> Credentials? {
        if let account { return account.current }
        var key = host + (repository.map { "/\($0)" } ?? "")
        var keys = [key]
        while let slash = key.lastIndex(of: "/") {
            key = String(key[..<slash])
            keys.append(key)
        }
        for layer in layers {
            for key in keys {
                if let found = layer[key] { return found }
            }
        }
        return nil
    }

    var all: [Credentials] { layers.flatMap(\.values) }
}

/// Credentials that are replaced while requests are under way.
final class ChangingCredentials: Sendable {
    private let state = Mutex<Credentials?>(nil)

    var current: Credentials? { state.withLock { $0 } }

    func replace(with new: Credentials?) { state.withLock { $0 = new } }
}
