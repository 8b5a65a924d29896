import AsyncHTTPClient
import ByteStreams
import Glibc
import ImageModel
import ImageTransfer
import NIOCore
import NIOPosix
import NIOSSL

/// What can break between here and a host, told apart by what helps.
enum NetworkFailure {
    /// Whether something between here and there broke, rather than that something was refused.
    static func isOne(_ error: any Error) -> Bool {
        !(error is RegistryError || error is TransferError || error is StreamError || error is ReferenceError
            || error is DocumentError || error is CancellationError || error is BlobLost)
    }

    /// Answers that may be others a little later.
    static func isPassing(status: Int) -> Bool { status == 408 || status == 429 || (status >= 500 && status != 501) }

    /// Trying again makes neither a certificate valid nor a name known.
    static func isFinal(_ error: any Error) -> Bool {
        if let error = error as? NIOConnectionError { return error.connectionErrors.isEmpty && !isNameServer(error) }
        if error as? HTTPClientError == .proxyAuthenticationRequired { return true }
        return isCertificate(error) || speaksNoTLS(error)
    }

    /// The other side answers a TLS greeting with something else altogether.
    static func speaksNoTLS(_ error: any Error) -> Bool { "\(error)".contains("WRONG_VERSION_NUMBER") }

    private static func isCertificate(_ error: any Error) -> Bool {
        error is NIOSSLExtraError || "\(error)".contains("CERTIFICATE")
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
    static func reason(_ error: any Error) -> String {
        if isCertificate(error) { return certificateReason(error) }
        if speaksNoTLS(error) { return "it does not speak TLS" }
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
        case let error as ChannelError
        where [.eof, .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed].contains(error):
            return "the connection was closed"
        case let error as IOError where error.errnoCode == EPIPE: return "the connection was closed"
        case let error as IOError:
            let isUnreached = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT].contains(error.errnoCode)
            return (isUnreached ? "it cannot be reached: " : "") + systemMessage(error.errnoCode)
        case is NIOSSLError: return "the connection broke while TLS was set up"
        default: return "\(error)"
        }
    }

    private static func certificateReason(_ error: any Error) -> String {
        if error is NIOSSLExtraError { return "its certificate is for another name" }
        if wantsCertificate(error) { return "it wants a certificate of this side, and got none that it takes" }
        return "its certificate cannot be trusted: it is of an unknown authority, or expired"
    }

    /// What to do about it.
    static func advice(for error: any Error) -> String? {
        if wantsCertificate(error) { return "give one with --cert and --key" }
        if error is NIOSSLExtraError { return "use the name that the certificate is for" }
        if isCertificate(error) { return "trust its authority with --ca-file, or in certs.d" }
        if speaksNoTLS(error) { return "--plain-http talks to a registry without TLS" }
        if error as? HTTPClientError == .proxyAuthenticationRequired {
            return "name them in the proxy's address: http://USER:PASSWORD@HOST:PORT"
        }
        return nil
    }
}
