import ByteStreams
import ImageModel
import NIOHTTP1

/// The role of a container in ECS, or of a pod in EKS with Pod Identity.
///
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
struct ContainerRole: CredentialSource {
    /// Hosts that may be asked without TLS.
    private static let plainHosts = [
        "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "127.0.0.1", "::1",
    ]

    let environment: [String: String]
    let client: RoleClient

    /// - Returns: nil where neither of the two addresses is set.
    func load() async throws -> AccessKeys? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let text: String
        if let path = value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            text = "http://169.254.170.2" + (path.hasPrefix("/") ? path : "/\(path)")
        } else if let full = value("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            text = full
        } else {
            return nil
        }
        let query = text.firstIndex(of: "?") ?? text.endIndex
        guard let address = ServerAddress(String(text[..<query])),
            address.isTLS || Self.plainHosts.contains(address.host)
        else {
            throw ImageError.usage(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI: unsupported address; expected https, or a loopback or link-local host"
            )
        }
        var headers: HTTPHeaders = ["accept": "application/json"]
        if let file = value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            headers.add(name: "authorization", value: try TokenFile.read(file))
        } else if let token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
            headers.add(name: "authorization", value: token)
        }
        let path = address.path.isEmpty ? "/" : address.path
        let answer = try await client.ask(
            .GET, address, path + text[query...], headers: headers, name: "container credentials")
        guard answer.status == 200 else {
            throw ImageError(
                .unauthorised, "container credentials (\(address.origin)): status \(answer.status)",
                hint: "check the role of the task or pod")
        }
        return try CredentialAnswer.read(answer.bytes, name: "container credentials")
    }
}

/// A file that holds one token, which others replace from time to time.
enum TokenFile {
    /// - Throws: `ImageError.unauthorised`, without what the file holds.
    static func read(_ path: String) throws -> String {
        let bytes: [UInt8]?
        do {
            bytes = try readFile(path, limit: 64 << 10)
        } catch {
            throw ImageError(.unauthorised, "\(error)", hint: "check the path of the token file", cause: error)
        }
        let token = String(decoding: bytes ?? [], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard token.count == 1, token[0].utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw ImageError(
                .unauthorised,
                "\(path): \(bytes == nil ? "no such file" : "not a token"); check the path of the token file")
        }
        return String(token[0])
    }
}
