import Testing

extension Scratch {
    /// `NAME.key` and `NAME.crt`, for this machine.
    ///
    /// - Parameter host: another name that it is for.
    func makeCertificate(_ name: String, alsoFor host: String? = nil) throws {
        let made = try Command.shell(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).crt -days 2 -subj /CN=localhost "
                + "-addext subjectAltName=DNS:localhost,IP:127.0.0.1\(host.map { ",DNS:\($0)" } ?? "")", in: path)
        try #require(made.status == 0, "\(made.errors)")
    }
}
