import ImageModel

/// Keys from the options.
package struct GivenKeys: CredentialSource {
    private let keys: AccessKeys

    package init(keys: AccessKeys) { self.keys = keys }

    package func load() -> AccessKeys? { keys }
}

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
package struct EnvironmentKeys: CredentialSource {
    private let environment: [String: String]

    package init(environment: [String: String]) { self.environment = environment }

    package func load() throws -> AccessKeys? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard let id = value("AWS_ACCESS_KEY_ID") else { return nil }
        guard let secret = value("AWS_SECRET_ACCESS_KEY") else {
            throw ImageError(
                .unauthorised, "AWS_SECRET_ACCESS_KEY: missing although AWS_ACCESS_KEY_ID is set; set both or neither")
        }
        return AccessKeys(id: id, secret: secret, token: value("AWS_SESSION_TOKEN"))
    }
}

/// Keys in a profile of `~/.aws/credentials` or `~/.aws/config`. The files are read again each time.
package struct ProfileKeys: CredentialSource {
    private let profile: String?
    private let environment: [String: String]

    package init(profile: String?, environment: [String: String]) {
        self.profile = profile
        self.environment = environment
    }

    package func load() async throws -> AccessKeys? {
        let profile = try Profile(profile, environment: environment)
        if let id = profile["aws_access_key_id"] {
            guard let secret = profile["aws_secret_access_key"] else {
                throw ImageError(
                    .unauthorised, "profile \(profile.name): aws_secret_access_key is missing; add it to the profile")
            }
            return AccessKeys(id: id, secret: secret, token: profile["aws_session_token"])
        }
        if let command = profile["credential_process"] {
            return try await CredentialProcess(command: command, profile: profile.name).load()
        }
        guard profile["web_identity_token_file"] == nil else { return nil }
        for name in ["sso_session", "sso_start_url", "source_profile", "credential_source"] where profile[name] != nil {
            throw ImageError(
                .unauthorised, "profile \(profile.name): \(name) is unsupported",
                hint: "set credential_process = aws configure export-credentials --profile NAME in another profile")
        }
        return nil
    }
}
