import NIOHTTP1

/// A request to a registry, in the registry's terms.
struct RegistryRequest {
    var method: HTTPMethod
    /// Below `/v2/`.
    var path = ""
    /// Instead of `path`: a whole address.
    var address: Address?
    var repository: String?
    var scope: Scope
    /// What it is for, as the end of "cannot …".
    var action: String
    var headers = HTTPHeaders()
    var body: [UInt8]?
    /// Statuses that are an answer, beside 2xx.
    var expects: Set<Int> = []
    /// Whether it may be tried again.
    var isRepeatable = true

    /// Whether a refusal is an answer as well.
    func expects(_ answer: HTTPAnswer) -> Bool {
        expects.contains(answer.status) || (method == .HEAD && answer.isRefusedHead)
    }
}

extension HTTPAnswer {
    /// Whether a redirect's target refused HEAD: its URL may be signed for GET only. The caller can then use GET
    /// instead.
    var isRefusedHead: Bool { isRedirected && [400, 401, 403, 405, 501].contains(status) }
}
