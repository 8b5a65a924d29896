import AsyncHTTPClient
import ByteStreams
import Glibc
import ImageModel
import ImageTransfer
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A proxy that could not be reached.
struct ProxyFailure: Error {
    var cause: any Error
}

/// The target of a redirect that could not be reached, or broke off.
struct RedirectFailure: Error {
    var target: Address
    var cause: any Error
}

/// What can break between here and a host, told apart by what helps.
package enum NetworkFailure {
    /// Whether something between here and there broke, rather than that something was refused.
    static func isOne(_ error: any Error) -> Bool {
        !(error is ImageError || error is CancellationError || error is BlobLost || error is ManifestFormatRefused)
    }

    /// Answers that may be others a little later.
    static func isPassing(status: Int) -> Bool {
        status == 408 || status == 429 || (status >= 500 && status != 501 && status != 507)
    }

    /// Trying again makes neither a certificate valid nor a name known.
    static func isFinal(_ error: any Error) -> Bool {
        if let error = error as? ProxyFailure { return isFinal(error.cause) }
        if let error = error as? RedirectFailure { return isFinal(error.cause) }
        if let error = error as? NIOConnectionError { return error.connectionErrors.isEmpty && !isNameServer(error) }
        if error as? HTTPClientError == .proxyAuthenticationRequired || error is TLSFailure { return true }
        return isCertificate(error) || speaksNoTLS(error)
    }

    /// The other side answers a TLS greeting with something else altogether.
    static func speaksNoTLS(_ error: any Error) -> Bool {
        !(error is ProxyFailure || error is RedirectFailure) && "\(error)".contains("WRONG_VERSION_NUMBER")
    }

    private static func needsSOCKSAccount(_ error: any Error) -> Bool {
        "\(error)".contains("InvalidAuthenticationSelection")
    }

    /// The other side said nothing for too long.
    static func isTimeout(_ error: any Error) -> Bool {
        if let error = error as? RedirectFailure { return isTimeout(error.cause) }
        guard let error = error as? HTTPClientError else { return false }
        return [.readTimeout, .deadlineExceeded, .connectTimeout].contains(error)
    }

    /// Whether nothing listens at any address of the host.
    static func isRefusedConnection(_ error: any Error) -> Bool {
        switch error {
        case let error as NIOConnectionError:
            !error.connectionErrors.isEmpty && error.connectionErrors.allSatisfy { isRefusedConnection($0.error) }
        case let error as IOError: error.errnoCode == ECONNREFUSED
        default: false
        }
    }

    private static func isCertificate(_ error: any Error) -> Bool {
        error is NIOSSLExtraError || "\(error)".contains("CERTIFICATE")
    }

    /// The server's certificate was looked at, and refused.
    static func isUntrusted(_ error: any Error) -> Bool {
        !(error is ProxyFailure) && isCertificate(error) && !wantsCertificate(error)
    }

    /// The connection ended without an answer, or with one that is not HTTP: as a TLS server ends one that does not begin
    /// with a greeting.
    static func isBroken(_ error: any Error) -> Bool {
        error is HTTPParserError || error as? HTTPClientError == .remoteConnectionClosed
            || (error as? IOError)?.errnoCode == ECONNRESET
    }

    private static func wantsCertificate(_ error: any Error) -> Bool {
        "\(error)".contains("CERTIFICATE_REQUIRED") || "\(error)".contains("BAD_CERTIFICATE")
    }

    /// The name could not be looked up for the time being, which says nothing about the name.
    private static func isNameServer(_ error: NIOConnectionError) -> Bool {
        [error.dnsAError, error.dnsAAAAError].contains { error in
            (error as? SocketAddressError.UnknownHost)?.errorCode == Int(EAI_AGAIN)
        }
    }

    /// What broke, in words.
    package static func reason(_ error: any Error) -> String {
        if let error = error as? ProxyFailure { return "HTTPS proxy: \(reason(error.cause))" }
        if let error = error as? RedirectFailure {
            return "the redirect target \(error.target.origin): \(reason(error.cause))"
        }
        if needsSOCKSAccount(error) { return "its SOCKS proxy requires a user name and a password" }
        if isCertificate(error) { return certificateReason(error) }
        if speaksNoTLS(error) { return "the server speaks plain HTTP, not TLS" }
        if let error = error as? TLSFailure { return error.description }
        switch error {
        case let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded:
            return "it does not answer"
        case let error as HTTPClientError where error == .connectTimeout: return "it cannot be reached in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: return "the connection was closed"
        case let error as HTTPClientError where error == .proxyAuthenticationRequired:
            return "the proxy wants a user name and a password"
        case let error as HTTPClientError: return error.shortDescription
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return isNameServer(error)
                ? "it cannot be reached: its name cannot be looked up at the moment"
                : "it cannot be reached: its name is not known"
        case ChannelError.connectTimeout: return "it cannot be reached in time"
        case let error as ChannelError
        where [.eof, .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed].contains(error):
            return "the connection was closed"
        case let error as IOError where error.errnoCode == EPIPE: return "the connection was closed"
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return "it cannot be reached: connection refused"
        case let error as IOError:
            let isUnreached = [EHOSTUNREACH, ENETUNREACH, ETIMEDOUT].contains(error.errnoCode)
            return (isUnreached ? "it cannot be reached: " : "") + systemMessage(error.errnoCode)
        case is NIOSSLError: return "the connection broke while TLS was set up"
        default: return "\(error)"
        }
    }

    private static func certificateReason(_ error: any Error) -> String {
        if error is NIOSSLExtraError { return "the server's certificate is for another host" }
        if wantsCertificate(error) { return "the server requires a client certificate that it trusts" }
        return "the server's certificate is not trusted: its issuer is unknown, or it has expired"
    }

    /// What to do about it.
    static func advice(for error: any Error) -> String? {
        if let error = error as? RedirectFailure { return advice(for: error.cause) }
        if error is ProxyFailure { return "check the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY" }
        if needsSOCKSAccount(error) { return "dray supports only SOCKS proxies without a password; use another proxy" }
        if let error = error as? TLSFailure { return error.advice }
        if wantsCertificate(error) { return "pass --cert and --key, or put them into this host's directory in certs.d" }
        if error is NIOSSLExtraError { return "use a name that the certificate is for" }
        if isCertificate(error) { return "trust its issuer with --ca-file, or in certs.d" }
        if speaksNoTLS(error) { return "pass --plain-http to use it without TLS" }
        if error as? HTTPClientError == .proxyAuthenticationRequired {
            return "put USER:PASSWORD@ before the host in the proxy's address"
        }
        return nil
    }
}
