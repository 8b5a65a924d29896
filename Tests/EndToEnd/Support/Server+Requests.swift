import Foundation
import ImageModel
import Testing

/// A registry that answers at an address, and its storage directory.
protocol Served {
    /// `127.0.0.1:PORT`.
    var address: String { get }
    var root: String { get }
}

/// A server as other threads see it.
struct Endpoint: Served, Sendable {
    let address: String
    let root: String

    init(_ server: some Served) { (address, root) = (server.address, server.root) }
}

extension Server: Served {
    /// A server whose repository `library/hello` has the tag `latest`.
    static func withHello(_ settings: Settings = Settings(), in scratch: Scratch? = nil) throws -> Server {
        let server = try Server(settings, in: scratch)
        try server.push(.hello, to: "library/hello", as: "latest")
        return server
    }

    /// Where a blob lies, below `docker/registry/v2`.
    static func blobPath(_ digest: String) -> String { "blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data" }
}

/// Requests, each on a connection of its own.
extension Served {
    var baseURL: String { "http://\(address)" }

    func request(
        _ method: String, _ target: String, _ headers: [(String, String)] = [],
        body: HTTPConversation.Body = .none
    ) throws -> HTTPResponse {
        try HTTPConversation(address).request(method, target, headers, body: body)
    }

    func get(_ target: String, _ headers: [(String, String)] = []) throws -> HTTPResponse {
        try request("GET", target, headers)
    }

    func head(_ target: String, _ headers: [(String, String)] = []) throws -> HTTPResponse {
        try request("HEAD", target, headers)
    }

    func delete(_ target: String) throws -> HTTPResponse { try request("DELETE", target) }

    /// Opens an upload session.
    ///
    /// - Returns: its location, ready to be asked for.
    func startUpload(in repository: String) throws -> String {
        let answer = try request("POST", "/v2/\(repository)/blobs/uploads/")
        try #require(answer.status == 202, "\(answer.text)")
        return answer.location
    }

    /// Appends to an upload.
    func patch(_ location: String, _ bytes: [UInt8], range: String? = nil) throws -> HTTPResponse {
        let range = range.map { [("Content-Range", $0)] } ?? []
        return try request(
            "PATCH", location, [("Content-Type", "application/octet-stream")] + range, body: .whole(bytes))
    }

    /// Closes an upload.
    func finish(_ location: String, _ digest: String, _ rest: [UInt8] = []) throws -> HTTPResponse {
        try request("PUT", adding("digest=\(digest)", to: location), body: .whole(rest))
    }

    func push(blob: [UInt8], to repository: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let answer = try finish(startUpload(in: repository), Digest(of: blob).description, blob)
        try #require(answer.status == 201, "\(answer.text)", sourceLocation: sourceLocation)
    }

    /// - Parameters:
    ///   - type: of the manifest, nil for none.
    ///   - name: a tag or a digest.
    func put(_ manifest: [UInt8], _ type: String?, as name: String, in repository: String) throws -> HTTPResponse {
        let type = type.map { [("Content-Type", $0)] } ?? []
        return try request("PUT", "/v2/\(repository)/manifests/\(name)", type, body: .whole(manifest))
    }

    /// The whole image, config and layer first.
    ///
    /// - Parameter name: a tag; the digest unless given.
    @discardableResult
    func push(
        _ image: TinyImage, to repository: String, as name: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HTTPResponse {
        try push(blob: image.config, to: repository, sourceLocation: sourceLocation)
        try push(blob: image.layer, to: repository, sourceLocation: sourceLocation)
        let answer = try put(image.manifest, image.type, as: name ?? image.digest, in: repository)
        try #require(answer.status == 201, "\(answer.text)", sourceLocation: sourceLocation)
        return answer
    }

    /// Files below the storage directory's `docker/registry/v2`.
    func files(below folder: String) -> [String] {
        let root = "\(root)/docker/registry/v2/\(folder)"
        let all = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
        return all.filter { file in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(root)/\(file)", isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }

    /// Content of a file below `docker/registry/v2`; nil where there is none.
    func file(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(root)/docker/registry/v2/\(path)").map(Array.init)
    }
}

extension String {
    var hex: String { String(split(separator: ":").last ?? "") }
}
