import ImageModel

/// The two headers of RFC 9110, section 11: `Authorization` is read, `WWW-Authenticate` is written.
enum AuthorizationHeader {
    /// What follows the scheme's name, which may be written in either case.
    ///
    /// - Returns: nil if the header is missing, of another scheme, empty, or longer than `limit` bytes.
    static func credentials(_ header: String?, scheme: String, limit: Int) -> Substring? {
        guard let header, header.utf8.count <= limit else { return nil }
        let parts = header.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == scheme else { return nil }
        return parts[1]
    }

    /// `SCHEME name="value",name="value"`, in the given order: without spaces, as the original writes it.
    static func challenge(_ scheme: String, _ parameters: [(name: String, value: String)]) -> String {
        scheme + " " + parameters.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ",")
    }

    /// One scope of everything that is wanted: `TYPE:NAME:ACTION,ACTION TYPE:NAME:ACTION`, in the order of asking.
    static func scope(of items: [AccessItem]) -> String {
        var resources: [(name: String, actions: [String])] = []
        for item in items {
            let name = "\(item.type):\(item.name)"
            if let known = resources.firstIndex(where: { $0.name == name }) {
                if !resources[known].actions.contains(item.action) { resources[known].actions.append(item.action) }
            } else {
                resources.append((name, [item.action]))
            }
        }
        return resources.map { "\($0.name):\($0.actions.joined(separator: ","))" }.joined(separator: " ")
    }

    /// A quoted string. Control characters are left out: nothing may end the header.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars where scalar.value >= 32 && scalar.value != 127 {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}

/// A user and a password, as RFC 7617 sends them.
package struct BasicCredentials: Sendable {
    /// Bytes of the whole header.
    static let sizeLimit = 8 << 10

    /// Bytes, because a password file compares bytes: not what Unicode holds to be the same.
    package let user: [UInt8]
    package let password: [UInt8]

    /// - Returns: nil for anything but `Basic base64(USER:PASSWORD)`.
    package init?(_ authorization: String?) {
        guard
            let text = AuthorizationHeader.credentials(authorization, scheme: "basic", limit: Self.sizeLimit),
            let pair = Base64.decode(text), let colon = pair.firstIndex(of: UInt8(ascii: ":")), colon > 0
        else { return nil }
        user = Array(pair[..<colon])
        password = Array(pair[(colon + 1)...])
    }
}
