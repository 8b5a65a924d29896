import Testing

/// The ways that a registry is run.
enum WayOfServing: String, CaseIterable, CustomTestStringConvertible {
    case plain, tls, nginx, htpasswd, token

    var testDescription: String { rawValue }
    /// Whether only who has an account gets in.
    var asksWhoComes: Bool { self == .htpasswd || self == .token }
}
