import ByteStreams
import Glibc
import ImageModel
import NIOSSL

/// The PEM files for a host: from options, and from Docker's and podman's `certs.d`.
///
/// Source: docker-certs.d(5) and containers-certs.d(5): `HOST[:PORT]/*.crt` are authorities, `NAME.cert` with
/// `NAME.key` is a client's pair. The first directory there is counts.
struct CertificateFiles: Hashable, CustomStringConvertible {
    private(set) var authorities: [String]
    private(set) var client: ClientCertificate?
    /// Instead of the system's own, as Go's and OpenSSL's programs take them.
    let systemRoots: String?

    /// - Parameter isRegistry: whether it is the host that the options' client certificate and directory are for.
    init(for address: Address, options: RegistryOptions, isRegistry: Bool) throws {
        authorities = options.authorityFiles
        client = isRegistry ? options.clientCertificate : nil
        systemRoots = getenv("SSL_CERT_FILE").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        if let directory = options.certificateDirectory, isRegistry {
            guard try take(directory) else { throw ImageError.io(operation: "read", path: directory, errno: ENOENT) }
            return
        }
        guard options.readsCertificateDirectories else { return }
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        let bases = ["\(home)/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d"]
        let isUsual = address.port == 443
        for base in bases {
            for name in ["\(address.bracketedHost):\(address.port)"] + (isUsual ? [address.bracketedHost] : []) {
                if try take("\(base)/\(name)") { return }
            }
        }
    }

    /// Adds the files of a directory.
    ///
    /// - Returns: false if it is not there.
    private mutating func take(_ directory: String) throws -> Bool {
        guard let files = try listDirectory(directory) else { return false }
        authorities += files.filter { $0.hasSuffix(".crt") }.map { "\(directory)/\($0)" }
        for file in files where file.hasSuffix(".cert") && client == nil {
            let key = file.dropLast("cert".count) + "key"
            if files.contains(String(key)) {
                client = ClientCertificate(certificate: "\(directory)/\(file)", key: "\(directory)/\(key)")
            }
        }
        return true
    }

    /// The text of a PEM file.
    static func read(_ path: String) throws -> [UInt8] {
        guard let bytes = try PEMFile.read(path, limit: Self.sizeLimit) else {
            throw ImageError.io(operation: "open", path: path, errno: ENOENT)
        }
        return bytes
    }

    /// The system's authorities. OpenSSL finds no certificate right behind a byte order mark: then they are read here.
    func trustRoots(_ path: String) throws -> NIOSSLTrustRoots {
        guard let start = try readFile(path, limit: Self.sizeLimit)?.first, [0xef, 0xff, 0xfe].contains(start) else {
            return .file(path)
        }
        return .certificates(try NIOSSLCertificate.fromPEMBytes(Self.read(path)))
    }

    private static let sizeLimit = 16 << 20

    var description: String {
        (authorities + [client?.certificate, client?.key, systemRoots].compactMap { $0 }).joined(separator: ", ")
    }
}
