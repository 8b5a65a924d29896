import ConfigurationFiles

extension ServerConfiguration.Proxy {
    /// nil: off.
    init?(_ section: Section) {
        let address = section.read("remoteurl", .url)
        self.init(url: address ?? "")
        section.read("username", .secret, into: &username)
        section.read("password", .secret, into: &password)
        section.read("ttl", .duration, into: &lifetime)
        section.dismiss("exec", "dray runs no command for credentials; write username and password")
        section.dismiss("remotenamespace", "repositories are asked for by the names that they have here")
        guard address != nil else {
            if username != nil, !section.has("remoteurl") {
                section.warn("remoteurl", "is missing: nothing is fetched from another registry")
            }
            return nil
        }
    }
}
