import Foundation
import Testing

/// What it takes to run a registry in some way, and to get in.
final class Serving {
    /// YAML of `http.tls`.
    private(set) var tls: String?
    /// Whole lines of its configuration, at the top level.
    private(set) var top = ""
    /// For dray.
    private(set) var options: [String] = []
    /// For skopeo.
    private(set) var credentials = ""
    private let way: WayOfServing
    private let scratch: Scratch
    private var tokens: TokenServer?
    private var nginx: Nginx?

    init(_ way: WayOfServing, _ scratch: Scratch) throws {
        self.way = way
        self.scratch = scratch
        switch way {
        case .plain, .nginx: break
        case .tls:
            try scratch.makeCertificate("server")
            tls = "{certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}"
            options = ["--ca-file", scratch["server.crt"]]
        case .htpasswd:
            let made = try Command.shell("htpasswd -Bbn user s3cr3t-pass > \(scratch["htpasswd"])")
            try #require(made.status == 0, "\(made.errors)")
            top = "auth: {htpasswd: {realm: basic-realm, path: \(scratch["htpasswd"])}}"
        case .token:
            let tokens = try TokenServer(scratch)
            top = tokens.settings
            self.tokens = tokens
        }
        guard way.asksWhoComes else { return }
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        options = ["--creds", scratch["creds"]]
        credentials = "--creds user:s3cr3t-pass"
    }

    /// Where clients go to reach a registry that listens at an address.
    func entrance(to address: String) throws -> String {
        guard way == .nginx else { return address }
        let proxy = try Nginx(before: address, scratch: scratch)
        nginx = proxy
        return proxy.address
    }

    /// skopeo's options where the registry is the source of a copy.
    var source: String { "--src-tls-verify=false \(credentials.replacing("--creds", with: "--src-creds"))" }
    /// skopeo's options where the registry is the destination of a copy.
    var destination: String { "--dest-tls-verify=false \(credentials.replacing("--creds", with: "--dest-creds"))" }
}
