import AsyncHTTPClient
import ByteStreams
import Glibc
import ImageTransfer
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A request, before anything was added to it that depends on how it goes.
struct HTTPRequest {
    enum Body {
        case none
        case bytes([UInt8])
        /// Comes from `HTTPExchange.send`; chunked where the length is not known.
        case stream(length: Int64?)
    }

    var method: HTTPMethod
    var address: Address
    var headers = HTTPHeaders()
    var body = Body.none
}

/// Connections to hosts, with the certificates, proxies and limits that go with each.
final class HTTPConnections: Sendable {
    /// How one origin is reached.
    private struct Way {
        let client: HTTPClient
        /// A proxy that is told the whole address; others are tunnelled through by the client.
        let forwarder: ProxySettings.Proxy?
    }

    let options: RegistryOptions
    private let proxies = ProxySettings.fromEnvironment()
    private let ways = Mutex<[String: Way]>([:])

    init(_ options: RegistryOptions) { self.options = options }

    deinit {
        for way in ways.withLock({ $0.values }) { way.client.shutdown { _ in } }
    }

    /// Starts a request; does not wait.
    ///
    /// - Parameter timeout: how long the other side may be silent, where that is not for the options to say.
    func start(_ request: HTTPRequest, timeout: Duration? = nil) throws -> HTTPExchange {
        let way = try way(to: request.address)
        let exchange = HTTPExchange(
            patience: timeout ?? options.timeout, loop: way.client.eventLoopGroup.next())
        var headers = request.headers
        headers.replaceOrAdd(name: "user-agent", value: RegistryOptions.userAgent)
        var url = request.address.text
        if let proxy = way.forwarder {
            headers.replaceOrAdd(name: "host", value: request.address.authority)
            if let authorization = proxy.authorization {
                headers.replaceOrAdd(name: "proxy-authorization", value: authorization.headerValue)
            }
            url = proxy.origin + request.address.target
        }
        let body: HTTPClient.Body? =
            switch request.body {
            case .none: nil
            case .bytes(let bytes): .byteBuffer(ByteBuffer(bytes: bytes))
            case .stream(let length): .stream(contentLength: length) { exchange.openBody($0) }
            }
        let outgoing: HTTPClient.Request
        do {
            outgoing = try HTTPClient.Request(url: url, method: request.method, headers: headers, body: body)
        } catch {
            throw TransferError.refused("\(request.address.origin): its URL cannot be asked for: \(error)")
        }
        exchange.started(way.client.execute(request: outgoing, delegate: exchange, eventLoop: .indifferent))
        return exchange
    }

    /// What the kernel takes of bytes that it cannot send yet: megabytes of them would look like bytes that are
    /// on their way, and the silence until they are like one of the other side's.
    private static let unsentLimit = ChannelOptions.Types.SocketOption(
        level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT))

    private func way(to address: Address) throws -> Way {
        let key = address.origin
        if let way = ways.withLock({ $0[key] }) { return way }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: address.scheme == "https" ? try tls(for: address) : nil,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(30)),
            connectionPool: .init(idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 16),
            ignoreUncleanSSLShutdown: false, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        let proxy = try proxies.proxy(for: address)
        let isForwarder = address.scheme == "http" && proxy?.kind == .http
        if !isForwarder { configuration.proxy = proxy?.tunnel }
        configuration.http1_1ConnectionDebugInitializer = { channel in
            let isSet = channel.setOption(Self.unsentLimit, value: 128 << 10)
            return isForwarder ? isSet.flatMap { AbsoluteForm.add(key, to: channel) } : isSet
        }
        let new = Way(
            client: HTTPClient(
                eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration),
            forwarder: isForwarder ? proxy : nil)
        let used = ways.withLock { ways -> Way in
            if let way = ways[key] { return way }
            ways[key] = new
            return new
        }
        if used.client !== new.client { new.client.shutdown { _ in } }
        return used
    }

    private func tls(for address: Address) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !options.verifiesTLS { tls.certificateVerification = .none }
        let files = try CertificateFiles(for: address, options: options)
        do {
            if let roots = files.systemRoots { tls.trustRoots = .file(roots) }
            tls.additionalTrustRoots = try files.authorities.map {
                .certificates(try NIOSSLCertificate.fromPEMBytes(CertificateFiles.read($0)))
            }
            if let pair = files.client {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(CertificateFiles.read(pair.certificate))
                    .map { .certificate($0) }
                tls.privateKey = .privateKey(
                    try NIOSSLPrivateKey(bytes: CertificateFiles.read(pair.key), format: .pem))
            }
        } catch {
            throw TransferError.refused(
                "\(address.origin): a certificate file cannot be used (\(files.description)): \(error)")
        }
        return tls
    }
}
