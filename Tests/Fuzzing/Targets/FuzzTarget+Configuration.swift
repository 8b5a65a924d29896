import ConfigurationFiles
import DrayKit
import ImageModel
import ImageSync
import RegistryClient
import RegistryServer

extension FuzzTarget {
    static let configuration = [
        FuzzTarget("server-configurations") { bytes in
            _ = try ServerConfiguration.read(bytes, name: "config.yml", environment: [:])
        },
        lines("environments") { lines in
            let variables = lines.compactMap { line -> (String, String)? in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return parts.count == 2 ? ("REGISTRY_\(parts[0])", String(parts[1])) : nil
            }
            _ = try ServerConfiguration.read(
                Array("version: 0.1\nstorage: {filesystem: {rootdirectory: /a}}\nhttp: {addr: ':5000'}\n".utf8),
                name: "config.yml", environment: Dictionary(variables) { $1 })
        },
        FuzzTarget("sync-files") { bytes in _ = try SyncFile.read(bytes, name: "sync.yml") },
        text("image-lists") { text in
            _ = try ImageList(text, name: "list") {
                try ImageReference($0, exists: { _ in false }, recognise: { _ in nil })
            }
        },
        text("registries-files") { text in
            var file = RegistriesFile()
            try file.add(text, name: "registries.conf")
            for name in ["a", "a.b/c", "localhost:5000/d"] { _ = file.entry(for: name) }
        },
        FuzzTarget("credential-files") { bytes in
            var file = try CredentialFile(bytes, path: "auth.json")
            _ = file.entries
            _ = file.helper(for: "a.example")
            file.set(.password(user: "u", password: "p:w"), for: "a.example")
            let isThere = file.entries["a.example"] == .password(user: "u", password: "p:w")
            try promise("what was set is there", isThere && file.holds("a.example"))
            file.set(nil, for: "a.example")
            _ = try promised("a file of credentials is written") { try Document.encode(file.content) }
        },
        FuzzTarget("password-files") { bytes in
            let file = try HtpasswdFile(bytes)
            _ = file.problems
            _ = file.hash(of: Array("user".utf8))
            _ = BasicCredentials(String(decoding: bytes, as: UTF8.self))
        },
    ]
}
