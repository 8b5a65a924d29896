import ConfigurationFiles
import ImageModel
import RegistryClient

extension ValueKind where Value == ServerConfiguration.HTTP.Address {
    /// `[HOST]:PORT` to listen at.
    static var address: ValueKind {
        text { (text) throws(Complaint) in
            guard let address = ServerConfiguration.HTTP.Address(text) else {
                throw notAnAddress(text, "such as :5000")
            }
            return address
        }
    }

    /// Of a socket in the file system.
    static var socket: ValueKind { text { .unix(path: $0) } }
}

extension ServerConfiguration.HTTP.Address {
    /// - Returns: nil for anything but `[HOST]:PORT`; an IPv6 address goes in brackets.
    public init?(_ text: String) {
        guard let (host, port) = hostAndPort(text) else { return nil }
        self = .tcp(host: host, port: port)
    }
}

extension ValueKind where Value == String {
    /// `HOST:PORT` of someone else.
    static var remoteAddress: ValueKind {
        text { (text) throws(Complaint) in
            guard let (host, port) = hostAndPort(text), HostName.isValid(host), port > 0 else {
                throw notAnAddress(text, "such as 10.0.0.5:6379")
            }
            return text
        }
    }

    /// `ADDRESS/BITS`, or a single address.
    static var network: ValueKind {
        text { (text) throws(Complaint) in
            let network = IPAddress(text).map { "\(text)/\(8 * $0.bytes.count)" } ?? text
            guard IPNetwork(network) != nil else {
                throw Complaint("\(quoted(text)) is neither an address nor a network such as 10.0.0.0/8")
            }
            return network
        }
    }

    /// `http://...` or `https://...`, without a user name.
    static var url: ValueKind {
        text { (text) throws(Complaint) in
            guard let address = WebAddress(text) else { throw notAURL(text) }
            guard address.account == nil else {
                throw Complaint("\(quoted(text)) holds a user name, which clients would see: remove it")
            }
            return text
        }
    }

    /// `proxy.remoteurl`: a registry's API is below it.
    static var upstreamURL: ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            let text = try ValueKind.text.read(node, remark)
            guard let address = WebAddress(text) else { throw notAURL(text) }
            guard address.account == nil, !text.contains("@") else {
                throw Complaint("holds a user name: write proxy.username and proxy.password instead")
            }
            guard !text.contains("?"), !text.contains("#") else {
                throw Complaint("\(quoted(text)) has a query or fragment: remove it")
            }
            return text
        }
    }

    /// `http.host`: what Locations begin with; without a slash at its end.
    static var location: ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            let text = try ValueKind.text.read(node, remark)
            guard let address = WebAddress(text), address.account == nil, !text.contains("?"), !text.contains("#")
            else {
                let advice = "write it with its scheme, such as https://\(WebAddress.guess(text))"
                throw Complaint("\(quoted(text)) is no place that clients could be sent to: \(advice)")
            }
            // As a URL is resolved against another one: only what is before the last slash counts.
            guard let slash = address.path.lastIndex(of: "/") else { return text }
            let path = address.path[..<slash]
            if slash != address.path.index(before: address.path.endIndex) {
                remark("what follows the last slash of \(quoted(text)) does not count")
            }
            return String(text.dropLast(address.path.count) + path)
        }
    }

    /// `http.prefix`: begins and ends with a slash.
    static var prefix: ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            let text = try ValueKind.text.read(node, remark)
            let parts = text.split(separator: "/")
            let prefix = parts.isEmpty ? "/" : "/" + parts.joined(separator: "/") + "/"
            guard !text.contains(where: { " ?#%".contains($0) }), !parts.contains("."), !parts.contains("..") else {
                throw Complaint("\(quoted(text)) is no path that URLs could begin with: write one such as /registry/")
            }
            if prefix != text { remark("\(quoted(text)) is taken for \(quoted(prefix))") }
            return prefix
        }
    }

    /// Of a URL: begins with a slash.
    static var urlPath: ValueKind {
        text { (text) throws(Complaint) in
            guard text.hasPrefix("/"), !text.contains(where: { " ?#".contains($0) }) else {
                throw Complaint("\(quoted(text)) is no path of a URL: begin it with a slash, as in /metrics")
            }
            return text
        }
    }
}

/// A URL that this registry asks by itself; a user name and password in it become the value of an `Authorization`
/// header, so that the URL can be printed.
struct AskedURL: Sendable {
    let url: String
    let authorization: String?

    /// - Parameter headers: those of the configuration, of which an `Authorization` counts before the URL's account.
    func headers(
        _ headers: [(name: String, values: [String])]
    ) -> [(name: String, values: [String])] {
        guard let authorization, !headers.contains(where: { $0.name.lowercased() == "authorization" }) else {
            return headers
        }
        return headers + [("Authorization", [authorization])]
    }
}

extension ValueKind where Value == AskedURL {
    static var askedURL: ValueKind {
        text { (text) throws(Complaint) in
            guard let address = WebAddress(text) else { throw notAURL(text) }
            guard let account = address.account else { return AskedURL(url: text, authorization: nil) }
            let parts = account.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map {
                Query.decode($0)
            }
            guard let user = parts[0], let password = parts.count > 1 ? parts[1] : "" else {
                throw Complaint("\(quoted(text)) holds a user name or password that is wrongly encoded")
            }
            var url = text
            url.removeSubrange(account.startIndex...account.endIndex)
            return AskedURL(url: url, authorization: "Basic " + Base64.encode(Array("\(user):\(password)".utf8)))
        }
    }
}

extension ValueKind where Value == [String] {
    /// A list of networks, which may be empty.
    static var networks: ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            if case .sequence(let nodes) = node.content, nodes.isEmpty { return [] }
            return try ValueKind.list(.network).read(node, remark)
        }
    }
}

private func notAURL(_ text: String) -> Complaint {
    Complaint("\(quoted(text)) is no URL: write it with its scheme, such as https://host.example")
}

private func notAnAddress(_ text: String, _ example: String) -> Complaint {
    Complaint("\(quoted(text)) is no address: write HOST:PORT, \(example); an IPv6 address goes in brackets")
}

/// Splits `[HOST]:PORT`; nil if it is something else. Source: Go's net.SplitHostPort.
private func hostAndPort(_ text: String) -> (host: String, port: Int)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var host = text[..<colon]
    let name = text[text.index(after: colon)...]
    if host.hasPrefix("["), host.hasSuffix("]") {
        host = host.dropFirst().dropLast()
        guard host.contains(":") else { return nil }
    } else if host.contains(":") {
        return nil
    }
    guard !host.contains(where: { " /[]@".contains($0) }) else { return nil }
    // Go also knows services by name; these two are the ones that make sense here.
    if let port = ["http": 80, "https": 443][String(name)] { return (String(host), port) }
    guard name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(name)
    else { return nil }
    return (String(host), Int(port))
}

/// A URL of the web, as far as a configuration has to understand one.
private struct WebAddress {
    /// With its slash; may be empty.
    var path: Substring
    /// User name and password, as they stand before the host.
    var account: Substring?

    init?(_ text: String) {
        guard let slashes = text.firstRange(of: "://"), !text.contains(" "),
            ["http", "https"].contains(text[..<slashes.lowerBound].lowercased())
        else { return nil }
        let rest = text[slashes.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        path = rest[end...]
        let authority = rest[..<end]
        let at = authority.lastIndex(of: "@")
        account = at.map { authority[..<$0] }
        let host = at.map { authority[authority.index(after: $0)...] } ?? authority
        let hasPort = host.hasSuffix("]") ? false : host.contains(":")
        guard let (name, _) = hostAndPort(hasPort ? String(host) : "\(host):0"), HostName.isValid(name) else {
            return nil
        }
    }

    /// A host for an example, from a URL that may lack its scheme.
    static func guess(_ text: String) -> String {
        let host = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        let name = host.prefix { !"/?#".contains($0) }
        guard WebAddress("https://\(name)") != nil, !name.contains("@") else { return "registry.example" }
        return printable(String(name))
    }
}

extension ValueKind where Value == String {
    /// A directory of this machine. What only a shell or Windows would understand would become a directory of that name.
    static var directory: ValueKind {
        text { (text) throws(Complaint) in
            let problem: String? =
                switch text.first {
                case "~": "'~' is not expanded here"
                case "$": "variables are not expanded here"
                case let first? where "'\"`\u{201c}\u{201d}\u{201e}\u{2018}\u{2019}\u{201a}\u{ab}\u{bb}".contains(first):
                    "it begins with a quote character"
                default: isOfWindows(text) ? "paths of Windows are not understood here" : nil
                }
            guard let problem else { return text }
            throw Complaint("\(quoted(text)): \(problem); write the path from the root, such as /var/lib/registry")
        }
    }

    private static func isOfWindows(_ path: String) -> Bool {
        if path.hasPrefix("\\\\") || path.hasPrefix(".\\") { return true }
        let start = path.utf8.prefix(3).map { $0 }
        guard start.count == 3, start[1] == UInt8(ascii: ":") else { return false }
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(start[0] | 0x20)
        return isLetter && [UInt8(ascii: "\\"), UInt8(ascii: "/")].contains(start[2])
    }
}
