/// What a token says: distribution's "Token Authentication Specification", RFC 7519.
struct TokenClaims: Decodable, Sendable {
    /// Seconds by which clocks may differ.
    static let leeway = 60.0

    struct Grant: Decodable, Sendable {
        var type: String
        var name: String
        var actions: [String]?
    }

    /// One, or several of which one has to be this registry.
    struct Audience: Decodable, Sendable {
        var names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let name = try? container.decode(String.self) {
                names = [name]
            } else {
                names = try container.decode([String].self)
            }
        }
    }

    var iss: String?
    var sub: String?
    var aud: Audience?
    /// Seconds since 1970. A token without an end has ended.
    var exp: Double?
    /// Seconds since 1970.
    var nbf: Double?
    var access: [Grant]?

    /// - Parameter now: seconds since 1970.
    func check(issuer: String, audience: String, now: Double) throws(TokenRefusal) {
        guard iss == issuer else { throw TokenRefusal("its issuer is not \(issuer)") }
        guard let aud, aud.names.contains(audience) else { throw TokenRefusal("it is not for \(audience)") }
        try checkTime(now)
    }

    func checkTime(_ now: Double) throws(TokenRefusal) {
        guard let exp, now <= exp + Self.leeway else { throw TokenRefusal("it has expired") }
        guard now >= (nbf ?? 0) - Self.leeway else { throw TokenRefusal("it is not valid yet") }
    }

    func allows(_ item: AccessItem) -> Bool {
        (access ?? []).contains {
            $0.type == item.type && $0.name == item.name
                && ($0.actions ?? []).contains { $0 == item.action || $0 == "*" }
        }
    }
}
