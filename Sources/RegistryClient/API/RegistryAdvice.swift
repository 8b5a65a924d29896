import NIOHTTP1

/// What a user can do about a registry's refusal.
struct RegistryAdvice {
    private let session: RegistrySession

    init(_ session: RegistrySession) { self.session = session }

    func after(_ answer: HTTPAnswer, _ problem: RegistryProblem, _ request: RegistryRequest) -> String? {
        switch answer.status {
        case 401:
            return session.keyring.credentials(for: request.repository) == nil
                ? "log in: dray login \(session.host)"
                : "user name or password are wrong, or may not do this: dray login \(session.host)"
        case 403: return "the account may not do this: log in as another, or have it allowed" + flatter(request)
        case 404 where problem.codes.contains("NAME_UNKNOWN"):
            return "there is no such repository; some registries want it created first" + flatter(request)
        case 400..<500 where problem.codes.contains("NAME_INVALID"):
            return "the registry does not take this name" + flatter(request)
        case 400..<500 where problem.codes.contains("MANIFEST_BLOB_UNKNOWN"):
            return "the registry requires everything that a manifest refers to"
        case 400..<500 where request.action.contains("sha512:"):
            return "many registries know no digests but sha256"
        case 405: return "the registry does not do this; deleting may have to be turned on in its configuration"
        case 407: return "the proxy wants a name and a password: http://USER:PASSWORD@HOST:PORT"
        case 413: return "something in front of the registry limits the size of requests: raise that limit"
        case 429:
            let wait =
                answer.headers.retryAfter.map { "wait \($0.components.seconds) seconds" } ?? "wait, and try again"
            let limit = answer.headers.first(name: "ratelimit-limit").map { "; the limit is \($0)" } ?? ""
            return wait + limit
        case 500...: return "the registry or a proxy before it is in trouble: try again later"
        default: return nil
        }
    }

    /// Many registries have repositories two names deep at most.
    private func flatter(_ request: RegistryRequest) -> String {
        guard let repository = request.repository, repository.split(separator: "/").count > 1 else { return "" }
        return "; a registry that takes no nested names needs a shorter one"
    }
}
