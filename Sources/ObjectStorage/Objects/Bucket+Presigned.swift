import ImageModel

extension Bucket {
    /// The longest validity of a signed URL, in seconds: seven days.
    private static let longestValidity = 604_800

    /// Makes a URL with which others can read an object. It is signed for GET; a HEAD of it is refused.
    ///
    /// - Parameters:
    ///   - validity: seconds, by the server's clock.
    ///   - endpoint: `https://host[:port]` where other clients reach the server; nil for the bucket's own.
    ///   - responseHeaders: what the answer is to have, such as `content-type`; names in lower case.
    package func presignedURL(
        _ key: String, validity: Int, endpoint: String? = nil,
        responseHeaders: [(name: String, value: String)] = []
    ) async throws -> String {
        let place = try endpoint.map { try sender.endpoint.replacing($0) } ?? sender.endpoint
        var request = SignableRequest(
            method: "GET", path: place.path(key),
            query: responseHeaders.map { ("response-\($0.name)", $0.value) },
            headers: [("host", place.address.authority)], payloadHash: SignableRequest.unsignedPayload)
        Signer(keys: try await sender.keys(), region: place.region).presign(
            &request, at: sender.clock.signingTime, for: min(max(1, validity), Self.longestValidity))
        return "\(place.address.origin)\(request.path)?\(request.canonicalQuery)"
    }
}
