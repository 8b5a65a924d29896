import ImageModel
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Why no TLS connection came about, by what the server's certificate says.
enum TLSFailure: Error, CustomStringConvertible {
    /// On a date.
    case expired(String)
    /// Until a date.
    case notYetValid(String)
    /// By the issuer's name.
    case unknownIssuer(String)
    case selfSigned(String)
    case otherHost(names: [String])
    /// It was asked without TLS.
    case requiresTLS

    var description: String {
        switch self {
        case .expired(let date): "the server's certificate expired on \(date)"
        case .notYetValid(let date): "the server's certificate is not valid before \(date)"
        case .unknownIssuer(let name): "the issuer of the server's certificate is not trusted: \(name)"
        case .selfSigned(let name): "the server's certificate is self-signed and not trusted: \(name)"
        case .otherHost(let names):
            names.isEmpty
                ? "the server's certificate names no host"
                : "the server's certificate is for another host: \(names.joined(separator: ", "))"
        case .requiresTLS: "the server speaks TLS, not plain HTTP"
        }
    }

    var advice: String {
        switch self {
        case .expired: "have it renewed, or check this machine's clock"
        case .notYetValid: "check this machine's clock"
        case .unknownIssuer, .selfSigned: "trust it with --ca-file, or in certs.d"
        case .otherHost(let names): names.isEmpty ? "have it made anew" : "use a name that the certificate is for"
        case .requiresTLS: "leave out --plain-http"
        }
    }
}

/// The certificate that a server shows, as it is seen by a connection that is made for this alone: the HTTP client tells
/// nothing of one that it refuses.
struct ServerCertificate {
    private static let limit = TimeAmount.seconds(10)
    /// Names in a message.
    private static let mostNames = 5

    private let expiry: Int
    private let start: Int
    private let names: CertificateNames

    /// Blocks.
    ///
    /// - Returns: nil if the server does not speak TLS, or its certificate cannot be read.
    init?(at address: Address) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        let name = IPAddress(address.host) == nil ? address.host : nil
        guard let context = try? NIOSSLContext(configuration: configuration) else { return nil }
        let seen = Seen()
        let connection = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(Self.limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: name) { chain, verdict in
                        seen.certificate.withLock { $0 = chain.first }
                        verdict.succeed(NIOSSLVerificationResult.failed)
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: address.host, port: address.port)
        guard let channel = try? connection.wait() else { return nil }
        let timeout = channel.eventLoop.scheduleTask(in: Self.limit) { channel.close(promise: nil) }
        try? channel.closeFuture.wait()
        timeout.cancel()
        guard let certificate = seen.certificate.withLock({ $0 }), let bytes = try? certificate.toDERBytes(),
            let names = CertificateNames(der: bytes)
        else { return nil }
        self.names = names
        expiry = Int(certificate.notValidAfter)
        start = Int(certificate.notValidBefore)
    }

    private final class Seen: Sendable {
        let certificate = Mutex<NIOSSLCertificate?>(nil)
    }

    /// - Parameter error: the HTTP client's.
    func failure(_ error: any Error) -> TLSFailure {
        if Timestamp.now > expiry { return .expired(Timestamp.format(expiry, "%Y-%m-%d")) }
        if Timestamp.now < start { return .notYetValid(Timestamp.format(start, "%Y-%m-%d %H:%M UTC")) }
        if error is NIOSSLExtraError {
            let hosts = names.hosts
            let more = hosts.count > Self.mostNames ? ["\(hosts.count - Self.mostNames) more"] : []
            return .otherHost(names: hosts.prefix(Self.mostNames) + more)
        }
        let name = String(names.issuer.prefix(200))
        return names.isSelfSigned ? .selfSigned(name) : .unknownIssuer(name)
    }
}
