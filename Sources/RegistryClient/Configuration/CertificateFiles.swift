import ByteStreams
import Glibc

/// The PEM files for a host: from options, and from Docker's and podman's `certs.d`.
///
/// Source: docker-certs.d(5) and containers-certs.d(5): `HOST[:PORT]/*.crt` are authorities, `NAME.cert` with
/// `NAME.key` is a client's pair. The first directory there is counts.
struct CertificateFiles: CustomStringConvertible {
    private(set) var authorities: [String]
    private(set) var client: (certificate: String, key: String)?
    /// Instead of the system's own, as Go's and OpenSSL's programs take them.
    let systemRoots: String?

    init(for address: Address, options: RegistryOptions) throws {
        authorities = options.authorityFiles
        client = options.clientCertificate
        systemRoots = getenv("SSL_CERT_FILE").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        let bases = ["\(home)/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d"]
        let isUsual = address.port == 443
        for base in bases {
            for name in ["\(address.host):\(address.port)"] + (isUsual ? [address.host] : []) {
                guard let files = try listDirectory("\(base)/\(name)") else { continue }
                authorities += files.filter { $0.hasSuffix(".crt") }.map { "\(base)/\(name)/\($0)" }
                for file in files where file.hasSuffix(".cert") && client == nil {
                    let key = file.dropLast("cert".count) + "key"
                    if files.contains(String(key)) { client = ("\(base)/\(name)/\(file)", "\(base)/\(name)/\(key)") }
                }
                return
            }
        }
    }

    /// The text of a PEM file.
    static func read(_ path: String) throws -> [UInt8] {
        guard let bytes = try TextFile.read(path, limit: Self.sizeLimit) else {
            throw StreamError.io(operation: "open", path: path, errno: ENOENT)
        }
        return bytes
    }

    private static let sizeLimit = 16 << 20

    var description: String {
        (authorities + [client?.certificate, client?.key, systemRoots].compactMap { $0 }).joined(separator: ", ")
    }
}
