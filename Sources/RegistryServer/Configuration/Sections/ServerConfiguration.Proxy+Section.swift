import ConfigurationFiles

extension ServerConfiguration.Proxy {
    /// nil: off.
    init?(_ section: Section) {
        let address = section.read("remoteurl", .upstreamURL)
        self.init(url: address ?? "")
        section.read("username", .secret, into: &username)
        section.read("password", .secret, into: &password)
        section.read("ttl", .duration, into: &lifetime)
        section.read("checkinterval", .duration, into: &checkInterval)
        section.read("internalredirects", .flag, into: &allowsInternalRedirects)
        let exec = section.section("exec")
        if exec.isThere, let program = exec.require("command", .text, "write the name or path of a credential helper") {
            var command = CredentialCommand(program: program)
            exec.read("lifetime", .duration, into: &command.lifetime)
            credentialCommand = command
            if username != nil || password != nil {
                section.warn("exec", "is used instead of username and password: remove one or the other")
            }
        }
        section.dismiss("remotenamespace", "repositories are asked for by the names that they have here")
        section.dismiss("cachewritetimeout", "a blob is stored while it arrives, without a time limit")
        guard address != nil else {
            if username != nil, !section.has("remoteurl") {
                section.warn("remoteurl", "is missing: nothing is fetched from another registry")
            }
            return nil
        }
        if credentialCommand == nil, (username == nil) != (password == nil) {
            section.warn(
                username == nil ? "password" : "username",
                "is ignored on its own: write both username and password, or neither")
        }
    }
}
