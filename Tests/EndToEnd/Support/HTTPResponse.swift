import Foundation
import ImageModel

/// What a server answered.
struct HTTPResponse {
    var version: String
    var status: Int
    var headers: [(name: String, value: String)]
    /// Statuses below 200 that came before.
    var interim: [Int] = []
    var body: [UInt8] = []

    /// The first header of a name, in whatever case.
    subscript(_ name: String) -> String? { values(name).first }

    func values(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    var text: String { String(decoding: body, as: UTF8.self) }
    var digest: String { Digest(of: body).description }

    /// Of JSON that is an object; empty otherwise.
    var object: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:] }
    func strings(_ key: String) -> [String]? { object[key] as? [String] }
    /// Descriptors of an index.
    var manifests: [[String: Any]] { object["manifests"] as? [[String: Any]] ?? [] }

    /// `errors` of a registry's answer.
    var errors: [[String: Any]] { object["errors"] as? [[String: Any]] ?? [] }
    var codes: [String] { errors.compactMap { $0["code"] as? String } }

    /// Path and query of `Location`, absolute or not.
    var location: String { Self.target(of: self["location"] ?? "") }

    /// Path and query of the `Link` to the next page; nil where this is the last one.
    var next: String? {
        guard let link = self["link"], link.hasSuffix("; rel=\"next\""), link.hasPrefix("<"),
            let end = link.firstIndex(of: ">")
        else { return nil }
        return Self.target(of: String(link[link.index(after: link.startIndex)..<end]))
    }

    private static func target(of url: String) -> String {
        guard let scheme = url.range(of: "://") else { return url }
        return String(url[scheme.upperBound...].drop { $0 != "/" })
    }
}

/// A location with another parameter.
func adding(_ parameter: String, to location: String) -> String {
    location + (location.contains("?") ? "&" : "?") + parameter
}
