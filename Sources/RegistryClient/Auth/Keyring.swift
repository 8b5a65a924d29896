import ImageModel

/// The credentials that are known for one registry.
public struct Keyring: Sendable {
    private let host: String
    /// By `HOST` or `HOST/PATH`, file by file: the first file that has something for a repository decides.
    private let layers: [[String: Credentials]]

    /// None.
    public init() { self.init(host: "", layers: []) }

    /// One account for everything.
    init(_ only: Credentials) { self.init(host: "", layers: [["": only]]) }

    init(host: String, layers: [[String: Credentials]]) {
        self.host = host
        self.layers = layers
    }

    /// What Docker's and podman's files and helpers have for a host.
    ///
    /// - Parameter host: `HOST[:PORT]`.
    public static func load(for host: String) async throws -> Keyring {
        let host = CredentialFile.normal(host)
        var layers: [[String: Credentials]] = []
        for file in try CredentialFile.all() {
            var entries = file.entries.filter { key, _ in key == host || key.hasPrefix(host + "/") }
            if let helper = file.helper(for: host), let found = try await CredentialHelper(suffix: helper).get(host) {
                entries[host] = found
            }
            layers.append(entries)
        }
        return Keyring(host: host, layers: layers)
    }

    /// The most specific: `HOST/a/b` before `HOST/a` before `HOST`.
    func credentials(for repository: String?) -> Credentials? {
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
