import ByteStreams
import ImageLayouts

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
        obstacle = configuration.storage.isReadOnly ? nil : store.flatMap { WriteObstacle.find(at: $0.writtenPaths) }
    }

    /// - Parameter program: name and version.
    func line(_ program: String) -> String {
        "\(program): " + [place, deletion, authentication, tls].compactMap { $0 }.joined(separator: ", ")
    }

    /// nil if everything that the configuration allows can be done.
    var warning: String? {
        obstacle.map { "storage \(configuration.storage.root) cannot be written, so pushes will fail: \($0)" }
    }

    private var place: String {
        guard let store else { return "serving archives and layouts as they are, read-only" }
        let title = configuration.proxy == nil ? "storage" : "cache"
        let access = configuration.storage.isReadOnly ? "read-only" : obstacle == nil ? "writable" : "not writable"
        return "\(title) \(store.path), \(access)"
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
