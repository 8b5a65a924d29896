package import HTTPTypes
import ImageModel

/// What a request is addressed to. Source: distribution, registry/api/v2/routes.go; OCI distribution-spec, "Endpoints".
package enum Endpoint: Equatable, Sendable {
    /// `/`: for load balancers.
    case root
    /// `/v2/`
    case base
    case catalog
    case tags(repository: String)
    /// `reference` is a tag or a digest's text.
    case manifest(repository: String, reference: String)
    case blob(repository: String, digest: String)
    case uploads(repository: String)
    case upload(repository: String, id: String)
    case referrers(repository: String, digest: String)
    /// A slash is missing at the end.
    case moved(to: String)

    /// - Parameter path: decoded, below the prefix, with its leading slash.
    /// - Returns: nil if there is nothing of that kind.
    package init?(_ path: String) {
        switch path {
        case "/", "": self = .root
        case "/v2": self = .moved(to: "/v2/")
        case "/v2/": self = .base
        case "/v2/_catalog": self = .catalog
        default:
            guard path.hasPrefix("/v2/") else { return nil }
            let parts = path.dropFirst(4).split(separator: "/", omittingEmptySubsequences: false)
            guard let found = Self.parse(parts, path) else { return nil }
            self = found
        }
    }

    private static func parse(_ parts: [Substring], _ path: String) -> Endpoint? {
        let count = parts.count
        func name(_ kept: Int) -> String? {
            let name = parts[..<kept].joined(separator: "/")
            return kept > 0 && !name.isEmpty ? name : nil
        }
        if count >= 4, parts[count - 3] == "blobs", parts[count - 2] == "uploads", let name = name(count - 3) {
            return parts[count - 1].isEmpty
                ? .uploads(repository: name) : .upload(repository: name, id: String(parts[count - 1]))
        }
        guard count >= 3, let name = name(count - 2) else { return nil }
        let last = String(parts[count - 1])
        switch parts[count - 2] {
        case "tags" where last == "list": return .tags(repository: name)
        case "manifests" where ImageName.isTag(last) || last.contains(":"):
            return .manifest(repository: name, reference: last)
        case "blobs" where last == "uploads": return .moved(to: path + "/")
        case "blobs" where last.contains(":"): return .blob(repository: name, digest: last)
        case "referrers" where !last.isEmpty: return .referrers(repository: name, digest: last)
        default: return nil
        }
    }

    package var repository: String? {
        switch self {
        case .root, .base, .catalog, .moved: nil
        case .tags(let name), .manifest(let name, _), .blob(let name, _), .uploads(let name), .upload(let name, _),
            .referrers(let name, _):
            name
        }
    }

    /// What may be asked of it, sorted; empty where it does not matter.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .root, .base, .moved: []
        case .catalog, .tags: [.get]
        case .referrers: [.get, .head]
        case .manifest: [.delete, .get, .head, .put]
        case .blob: [.delete, .get, .head]
        case .uploads: [.post]
        case .upload: [.delete, .get, .head, .patch, .put]
        }
    }

    /// The methods, for the header `Allow`.
    var allowed: String {
        let methods = methods.isEmpty ? [.get, .head] : methods
        return methods.map(\.rawValue).joined(separator: ", ")
    }

    /// For metrics: the original's name of the route.
    var title: String {
        switch self {
        case .root: "root"
        case .base, .moved: "base"
        case .catalog: "catalog"
        case .tags: "tags"
        case .manifest: "manifest"
        case .blob: "blob"
        case .uploads: "blob_upload"
        case .upload: "blob_upload_chunk"
        case .referrers: "referrers"
        }
    }

    /// What a request of this kind needs to be allowed.
    package func accessItems(_ method: HTTPRequest.Method, query: Query) -> [AccessItem] {
        if self == .catalog { return [AccessItem(type: "registry", name: "catalog", action: "*")] }
        guard let repository else { return [] }
        func item(_ action: String, _ name: String) -> AccessItem {
            AccessItem(type: "repository", name: name, action: action)
        }
        switch method {
        case .get, .head: return [item("pull", repository)]
        case .delete: return [item("delete", repository)]
        default:
            var items = [item("pull", repository), item("push", repository)]
            if case .uploads = self, query["mount"] != nil, let origin = query["from"], ImageName.isRepository(origin) {
                items.append(item("pull", origin))
            }
            return items
        }
    }
}
