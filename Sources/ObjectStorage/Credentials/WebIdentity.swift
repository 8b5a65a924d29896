import ImageModel
import NIOHTTP1

/// Exchanges a token of Kubernetes or of another identity provider for keys.
///
/// Source: AWS Security Token Service API Reference, "AssumeRoleWithWebIdentity".
struct WebIdentity: CredentialSource {
    let environment: [String: String]
    let profile: String?
    let region: String
    let client: RoleClient

    /// - Returns: nil where neither the environment nor the profile names a token file.
    func load() async throws -> AccessKeys? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var role = value("AWS_ROLE_ARN")
        var file = value("AWS_WEB_IDENTITY_TOKEN_FILE")
        var session = value("AWS_ROLE_SESSION_NAME")
        if file == nil {
            let profile = try Profile(profile, environment: environment)
            role = profile["role_arn"]
            file = profile["web_identity_token_file"]
            session = profile["role_session_name"]
        }
        guard let file else { return nil }
        guard let role else {
            throw ImageError(.unauthorised, "AWS_ROLE_ARN: missing although a web identity token file is set; set both")
        }
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        let endpoint = value("AWS_ENDPOINT_URL_STS") ?? "https://sts.\(region).\(domain)"
        guard let address = ServerAddress(endpoint) else {
            throw ImageError.usage("AWS_ENDPOINT_URL_STS: invalid URL; expected https://host[:port]")
        }
        let token = try TokenFile.read(file)
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", session ?? "dray-\(Timestamp.now)"), ("WebIdentityToken", token),
        ].map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        let answer = try await client.ask(
            .POST, address, address.path.isEmpty ? "/" : address.path,
            headers: ["content-type": "application/x-www-form-urlencoded", "accept": "application/xml"], body: form,
            name: "web identity")
        let document = try? XMLReader.read(answer.bytes)
        guard answer.status == 200,
            let keys = document?["AssumeRoleWithWebIdentityResult"]?["Credentials"], let id = keys.word("AccessKeyId"),
            let secret = keys.word("SecretAccessKey"), let session = keys.word("SessionToken"),
            let expiry = keys.word("Expiration").flatMap(Timestamp.parse)
        else {
            let code = document?["Error"]?.word("Code").map { ", \($0.prefix(80))" } ?? ""
            throw ImageError(
                .unauthorised, "web identity (\(address.origin)): status \(answer.status)\(code) for the role \(role)",
                hint: "check the role's trust policy and the token file \(file)")
        }
        return AccessKeys(id: id, secret: secret, token: session, expiry: expiry)
    }
}
