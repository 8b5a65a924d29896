import ImageModel
import NIOHTTP1

/// The role of an EC2 instance, from its metadata service.
///
/// Source: Amazon EC2 User Guide, "Use the Instance Metadata Service" (version 2).
struct InstanceRole: CredentialSource {
    private static let path = "/latest/meta-data/iam/security-credentials/"

    let environment: [String: String]
    let client: RoleClient

    /// - Returns: nil where no metadata service answers, or the instance has no role.
    func load() async throws -> AccessKeys? {
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let text = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        guard let address = ServerAddress(text) else {
            throw ImageError.usage("AWS_EC2_METADATA_SERVICE_ENDPOINT: invalid URL; expected http://host[:port]")
        }
        let name = "instance metadata"
        let token: RoleClient.RoleAnswer
        do {
            token = try await client.ask(
                .PUT, address, address.path + "/latest/api/token",
                headers: ["x-aws-ec2-metadata-token-ttl-seconds": "300"], deadline: .seconds(1), name: name)
        } catch is ImageError {
            // Other machines have no such service.
            return nil
        }
        guard token.status == 200, token.bytes.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        let headers: HTTPHeaders = ["x-aws-ec2-metadata-token": token.text]
        let roles = try await client.ask(.GET, address, address.path + Self.path, headers: headers, name: name)
        guard roles.status == 200, let role = roles.text.split(whereSeparator: \.isNewline).first else { return nil }
        let answer = try await client.ask(
            .GET, address, address.path + Self.path + PercentEncoding.encode(String(role)), headers: headers, name: name
        )
        guard answer.status == 200 else {
            throw ImageError(
                .unauthorised, "\(name): status \(answer.status) for the role; check the role of the instance")
        }
        return try CredentialAnswer.read(answer.bytes, name: name)
    }
}
