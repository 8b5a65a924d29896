package import Logging

extension ServerConfiguration.Access {
    /// What this configuration asks for. Reads the files that it names, so it is called while the server starts.
    ///
    /// - Throws: `ImageError.refused` or `ImageError`, naming the file and what would be right.
    package func makeAccessControl(logger: Logger) throws -> any AccessControl {
        switch self {
        case .open: OpenAccess()
        case .silly(let realm, let service): SillyAccess(realm: realm, service: service)
        case .htpasswd(let realm, let path): try HtpasswdAccess(realm: realm, path: path, logger: logger)
        case .token(let token): try TokenAccess(token, logger: logger)
        }
    }
}
