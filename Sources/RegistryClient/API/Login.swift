import ByteStreams
import ImageModel
import NIOHTTP1

/// Keeping credentials where Docker and podman keep theirs.
package enum Login {
    /// The place where credentials were saved, and whether the registry has checked them.
    package struct Record: Sendable {
        /// A file, or a helper's name.
        package var place: String
        /// False for a registry that answers without credentials as it does with them.
        package var isChecked: Bool
    }

    /// Checks credentials with the registry, as far as it can be done, and then keeps them.
    ///
    /// - Throws: `ImageError` if the registry does not take them.
    package static func login(_ host: String, _ credentials: Credentials, options: RegistryOptions) async throws
        -> Record
    {
        var options = options
        options.credentials = credentials
        let session = try RegistrySession(host: host, options: options, keyring: Keyring())
        let isChecked = try await Workers.blobs.run {
            try session.send(RegistryRequest(method: .GET, path: "", scope: .none, action: RegistryAdvice.login))
            // Only a registry that asked for credentials has looked at them for certain.
            return try session.authorizer.isChallenged
        }
        let key = CredentialFile.normal(host)
        var file = try CredentialFile.forLogin(to: key, in: options.authFile)
        if let helper = file.helper(for: key) {
            try await CredentialHelper(suffix: helper).store(credentials, for: key)
            file.mention(key)
            try file.save()
            return Record(place: "docker-credential-\(helper)", isChecked: isChecked)
        }
        file.set(credentials, for: key)
        try file.save()
        return Record(place: file.path, isChecked: isChecked)
    }

    /// Forgets a host's credentials wherever they are.
    ///
    /// - Parameter file: the only one to look at.
    /// - Returns: where they were.
    package static func logout(_ host: String, file only: String? = nil) async throws -> [String] {
        let key = CredentialFile.normal(host)
        var places: [String] = []
        for var file in try CredentialFile.all(only: only) {
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
