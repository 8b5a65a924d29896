import ByteStreams
import ImageModel
import NIOHTTP1

/// Keeping credentials where Docker and podman keep theirs.
public enum Login {
    /// Checks credentials with the registry and then keeps them.
    ///
    /// - Returns: where: a file, or a helper's name.
    /// - Throws: `RegistryError` if the registry does not take them.
    public static func login(_ host: String, _ credentials: Credentials, options: RegistryOptions) async throws
        -> String
    {
        var options = options
        options.credentials = credentials
        let session = try RegistrySession(host: host, options: options, keyring: Keyring())
        try await Workers.blobs.run {
            let answer = try session.send(
                RegistryRequest(method: .GET, path: "", scope: .none, action: "log in", expects: []))
            answer.finish()
        }
        var file = try CredentialFile.forLogin(to: CredentialFile.normal(host))
        let key = CredentialFile.normal(host)
        if let helper = file.helper(for: key) {
            try await CredentialHelper(suffix: helper).store(credentials, for: key)
            file.mention(key)
            try file.save()
            return "docker-credential-\(helper)"
        }
        file.set(credentials, for: key)
        try file.save()
        return file.path
    }

    /// Forgets a host's credentials wherever they are.
    ///
    /// - Returns: where they were.
    public static func logout(_ host: String) async throws -> [String] {
        let key = CredentialFile.normal(host)
        var places: [String] = []
        for var file in try CredentialFile.all() {
            if let helper = file.helper(for: key), try await CredentialHelper(suffix: helper).get(key) != nil {
                try await CredentialHelper(suffix: helper).erase(key)
                places.append("docker-credential-\(helper)")
            }
            guard (file.content["auths"]?.object ?? [:]).keys.contains(where: { CredentialFile.normal($0) == key })
            else {
                continue
            }
            file.set(nil, for: key)
            try file.save()
            places.append(file.path)
        }
        return places
    }
}
