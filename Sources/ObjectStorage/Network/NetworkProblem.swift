import AsyncHTTPClient
import ByteStreams
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A network setting that cannot be used. Its text holds the next step.
struct NetworkProblem: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The body of an answer ended before its announced length.
struct TruncatedAnswer: Error {}

/// Failures between here and a server.
enum NetworkFailure {
    /// Whether a retry may help: not for an untrusted certificate, nor for an unknown name.
    static func isTemporary(_ error: any Error) -> Bool {
        if error is TruncatedAnswer || error is ChannelError || error is IOError || error is HTTPParserError {
            return true
        }
        if let error = error as? NIOConnectionError { return !error.connectionErrors.isEmpty || isNameServer(error) }
        guard let error = error as? HTTPClientError else { return error is NIOSSLError && !isCertificate(error) }
        return error != .proxyAuthenticationRequired && error != .cancelled
    }

    /// The problem in words.
    static func reason(_ error: any Error) -> String {
        if error is TruncatedAnswer { return "the answer ended early" }
        if isCertificate(error) {
            return error is NIOSSLExtraError
                ? "the server's certificate is for another host"
                : "the server's certificate is not trusted: its issuer is unknown, or it has expired"
        }
        if "\(error)".contains("WRONG_VERSION_NUMBER") { return "the server speaks plain HTTP, not TLS" }
        switch error {
        case let error as HTTPClientError where [.readTimeout, .deadlineExceeded, .writeTimeout].contains(error):
            return "no answer in time"
        case let error as HTTPClientError where error == .connectTimeout: return "cannot connect in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: return "the connection was closed"
        case let error as HTTPClientError where error == .proxyAuthenticationRequired:
            return "the proxy requires a user name and a password"
        case let error as HTTPClientError: return error.shortDescription
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return isNameServer(error) ? "the name cannot be looked up at the moment" : "the host name is unknown"
        case ChannelError.connectTimeout: return "cannot connect in time"
        case is ChannelError: return "the connection was closed"
        case let error as IOError where error.errnoCode == ECONNREFUSED: return "connection refused"
        case let error as IOError: return systemMessage(error.errnoCode)
        case is HTTPParserError: return "the answer is not HTTP"
        case is NIOSSLError: return "the connection broke during the TLS handshake"
        default: return "\(error)"
        }
    }

    /// The next step, where there is one for this problem.
    static func advice(_ error: any Error) -> String {
        if error is NIOSSLExtraError { return "use a host name that the certificate contains" }
        if isCertificate(error) { return "add its issuer to the CA file (AWS_CA_BUNDLE)" }
        if "\(error)".contains("WRONG_VERSION_NUMBER") { return "use an http:// endpoint" }
        if error as? HTTPClientError == .proxyAuthenticationRequired {
            return "put USER:PASSWORD@ before the host of the proxy's address"
        }
        return "check the endpoint and the network, and retry"
    }

    private static func isCertificate(_ error: any Error) -> Bool {
        error is NIOSSLExtraError || "\(error)".contains("CERTIFICATE")
    }

    private static func isNameServer(_ error: NIOConnectionError) -> Bool {
        [error.dnsAError, error.dnsAAAAError].contains { error in
            (error as? SocketAddressError.UnknownHost)?.errorCode == Int(EAI_AGAIN)
        }
    }
}
