import ConfigurationFiles
import Glibc
import RegistryStore

/// What an operator wants to know when a registry starts: what it serves, and who may do what.
struct StartSummary {
    let configuration: ServerConfiguration
    /// nil where archives are served.
    let store: Store?
    /// Why the storage cannot be written; nil if it can be, or need not be.
    private let obstacle: String?

    /// Looks at the storage directory.
    init(_ configuration: ServerConfiguration, _ store: Store?) {
        self.configuration = configuration
        self.store = store
        obstacle = configuration.storage.isReadOnly ? nil : store.flatMap { $0.tree.writeObstacle() }
    }

    /// - Parameter program: name and version.
    func line(_ program: String) -> String {
        "\(program): " + [place, deletion, authentication, tls].compactMap { $0 }.joined(separator: ", ")
    }

    /// nil if everything that the configuration allows can be done.
    var warning: String? {
        guard let obstacle else { return nil }
        let effect = configuration.proxy == nil ? "pushes will fail" : "nothing new is cached"
        return "storage \(Self.absolute(store?.title ?? "")) cannot be written, so \(effect): \(obstacle)"
    }

    /// What to do if more is wanted than what is served can do; nil if there is nothing to say.
    var advice: String? { store == nil ? "nothing can be pushed; \(Self.writableAdvice)" : nil }

    static let writableAdvice =
        "for a writable registry, start it with a config.yml (README, 'Being the registry')"

    /// A path from the root: what a relative one means depends on where the server was started.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        let parts = path.split(separator: "/").drop { $0 == "." }
        return ([String(cString: directory)] + parts.map(String.init)).joined(separator: "/")
    }

    private var place: String {
        guard let store else { return "serving archives and layouts as they are, read-only" }
        let path = store.tree.isRemote ? store.title : Self.absolute(store.title)
        let access = configuration.storage.isReadOnly ? "read-only" : obstacle == nil ? "writable" : "not writable"
        guard let proxy = configuration.proxy else { return "storage \(path), \(access)" }
        let kept = access == "writable" ? "" : " (\(access): nothing new is cached)"
        return "cache \(path)\(kept) of \(printable(proxy.url)), pull only"
    }

    private var deletion: String? {
        guard store != nil, configuration.proxy == nil, !configuration.storage.isReadOnly else { return nil }
        return "deletion \(configuration.storage.allowsDeletion ? "on" : "off (storage.delete.enabled)")"
    }

    private var authentication: String {
        switch configuration.access {
        case .open: "no authentication"
        case .htpasswd(_, let path): "authentication by \(path)"
        case .token(let token): "authentication by tokens of \(token.realm)"
        case .silly: "any Authorization header accepted"
        }
    }

    private var tls: String {
        guard let tls = configuration.http.tls else { return "no TLS" }
        return "TLS with \(tls.certificate)" + (tls.clientAuthorities.isEmpty ? "" : " and client certificates")
    }
}
