import NIOHTTP1

/// What a user can do about a registry's refusal.
struct RegistryAdvice {
    /// What `dray login` does: it needs no advice to do that.
    static let login = "log in"

    private let session: RegistrySession

    init(_ session: RegistrySession) { self.session = session }

    func after(_ answer: HTTPAnswer, _ problem: RegistryProblem, _ request: RegistryRequest) -> String? {
        if answer.isRedirected, [400, 401, 403].contains(answer.status) {
            return "check this machine's clock, and whether a proxy or firewall lets requests through to "
                + answer.address.authority
        }
        switch answer.status {
        case 401 where session.keyring.isPartial, 403 where session.keyring.isPartial:
            return session.keyring.problems.joined(separator: "; ")
        case 401 where request.action == RegistryAdvice.login: return "the user name or password is wrong"
        case 401:
            return session.keyring.credentials(for: request.repository) == nil
                ? "log in with 'dray login \(session.host)', or pass --creds"
                : "the user name or password is wrong, or the account may not do this; log in with "
                    + "'dray login \(session.host)', or pass --creds"
        case 403: return "the account may not do this: log in as another, or have it allowed" + flatter(request)
        case 404 where problem.codes.contains("NAME_UNKNOWN"):
            return "there is no such repository; some registries want it created first" + flatter(request)
        case 400..<500 where problem.codes.contains("NAME_INVALID"):
            return "the registry does not take this name" + flatter(request)
        case 400..<500 where problem.codes.contains("MANIFEST_BLOB_UNKNOWN"):
            return "the registry requires everything that a manifest refers to"
        case 400..<500 where request.action.contains("sha512:"):
            return "many registries know no digests but sha256"
        case 400 where isMeantForTLS(problem): return "the registry requires TLS; leave out --plain-http"
        case 405: return unsupported(problem, request)
        case 407: return "the proxy wants a name and a password: put USER:PASSWORD@ before the host in its address"
        case 413: return "something in front of the registry limits the size of requests: raise that limit"
        case 429:
            let wait =
                answer.headers.retryAfter.map { "wait \($0.components.seconds) seconds" } ?? "wait, and try again"
            let limit =
                answer.headers.first(name: "ratelimit-limit").map { "; the limit is \(session.secrets.redact($0))" }
                ?? ""
            return wait + limit
        case 507: return "free space on the registry's disk"
        case 500...: return "the registry or a proxy before it is in trouble: try again later"
        default: return nil
        }
    }

    /// A registry that gives its own reason needs no advice.
    private func unsupported(_ problem: RegistryProblem, _ request: RegistryRequest) -> String? {
        let words = problem.text.lowercased()
        guard words.isEmpty || ["operation is unsupported", "method not allowed"].contains(where: words.contains)
        else { return nil }
        return request.method == .DELETE
            ? "the registry is read-only, or deletion is off; in a config.yml, storage.delete.enabled: true turns it on"
            : "the registry is read-only, or does not do this"
    }

    /// Whether the answer is that of Go's servers, nginx or Apache to plain HTTP at a TLS port.
    private func isMeantForTLS(_ problem: RegistryProblem) -> Bool {
        ["HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port", "plain HTTP to an SSL-enabled"]
            .contains { problem.text.contains($0) }
    }

    /// Many registries have repositories two names deep at most.
    private func flatter(_ request: RegistryRequest) -> String {
        guard let repository = request.repository, repository.split(separator: "/").count > 1 else { return "" }
        return "; a registry that takes no nested names needs a shorter one"
    }
}
