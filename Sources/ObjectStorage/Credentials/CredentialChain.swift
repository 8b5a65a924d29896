/// The sources of keys, in the order of AWS's own tools.
enum CredentialChain {
    /// - Parameters:
    ///   - given: replace all other sources.
    ///   - profile: the name of a profile, which goes before the environment's keys where it is given.
    static func sources(
        given: AccessKeys?, profile: String?, region: String, environment: [String: String], network: NetworkClient
    ) -> [any CredentialSource] {
        if let given { return [GivenKeys(keys: given)] }
        let client = RoleClient(network: network)
        let keys: [any CredentialSource] = [
            EnvironmentKeys(environment: environment),
            WebIdentity(environment: environment, profile: profile, region: region, client: client),
        ]
        let profileKeys = ProfileKeys(profile: profile, environment: environment)
        return (profile == nil ? keys + [profileKeys] : [profileKeys] + keys.dropFirst())
            + [
                ContainerRole(environment: environment, client: client),
                InstanceRole(environment: environment, client: client),
            ]
    }
}
