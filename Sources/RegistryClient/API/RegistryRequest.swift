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
}
