import AsyncHTTPClient
import ByteStreams
import Glibc
import ImageModel
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
    /// Whether a redirect to another host is not followed: there is a secret in the body.
    var staysAtOrigin = false
}

/// Connections to hosts, with the certificates, proxies and limits that go with each.
final class HTTPConnections: Sendable {
    /// How an origin is reached. All origins with the same one share a client: a registry can redirect to any number of
    /// origins, and a client for each would hold a TLS context with all certificate authorities, about 1 MB.
    private struct Way: Hashable {
        let isRegistry: Bool
        /// nil without TLS.
        let certificates: CertificateFiles?
        let proxy: ProxySettings.Proxy?
    }

    /// The connections of one way. They are closed once no exchange needs them.
    private final class Client: Sendable {
        let http: HTTPClient
        /// A proxy that is told the whole address in each request; others are tunnelled through.
        let forwarder: ProxySettings.Proxy?
        /// Leads to the proxy, where that takes TLS.
        let relay: ProxyRelay?

        init(_ http: HTTPClient, forwarder: ProxySettings.Proxy?, relay: ProxyRelay?) {
            self.http = http
            self.forwarder = forwarder
            self.relay = relay
        }

        deinit { http.shutdown { _ in } }
    }

    let options: RegistryOptions
    /// Whether anything has answered yet.
    let hasAnswered = Atomic(false)
    /// The client certificate is for this one alone, wherever it redirects to.
    private let registry: Address
    /// nil where the registry may lead anywhere.
    private let boundary: NetworkBoundary?
    private let proxies = ProxySettings.fromEnvironment()
    private let clients = Mutex<[Way: Client]>([:])
    private let registryWay = Mutex<Way?>(nil)
    /// By the proxy's host and port.
    private let relays = Mutex<[String: ProxyRelay]>([:])

    init(_ options: RegistryOptions, to registry: Address) {
        self.options = options
        self.registry = registry
        boundary = options.entersInternalNetwork ? nil : NetworkBoundary(around: registry)
    }

    /// Starts a request; does not wait.
    ///
    /// - Parameter timeout: how long the other side may be silent, where that is not for the options to say.
    func start(_ request: HTTPRequest, timeout: Duration? = nil) throws -> HTTPExchange {
        try boundary?.check(request.address)
        let client = try client(for: request.address)
        let exchange = HTTPExchange(
            patience: timeout ?? options.timeout, loop: client.http.eventLoopGroup.next(), keeping: client)
        var headers = request.headers
        headers.replaceOrAdd(name: "user-agent", value: RegistryOptions.userAgent)
        // Bytes count as they are. What is encoded all the same is decoded: see `HTTPAnswer.content`.
        headers.replaceOrAdd(name: "accept-encoding", value: "identity")
        var url = request.address.text
        if let proxy = client.forwarder {
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
            throw ImageError.refused("\(request.address.origin): invalid URL; correct the address")
        }
        exchange.started(client.http.execute(request: outgoing, delegate: exchange, eventLoop: .indifferent))
        return exchange
    }

    /// What the kernel takes of bytes that it cannot send yet: megabytes of them would look like bytes that are
    /// on their way, and the silence until they are like one of the other side's.
    private static let unsentLimit = ChannelOptions.Types.SocketOption(
        level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT))

    private func way(to address: Address) throws -> Way {
        let isRegistry = address.hasSameOrigin(as: registry)
        if isRegistry, let known = registryWay.withLock({ $0 }) { return known }
        let way = Way(
            isRegistry: isRegistry, certificates: address.scheme == "https" ? try certificates(for: address) : nil,
            proxy: try proxies.proxy(for: address))
        if isRegistry { registryWay.withLock { $0 = way } }
        return way
    }

    private func client(for address: Address) throws -> Client {
        let way = try way(to: address)
        if let client = clients.withLock({ $0[way] }) { return client }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try way.certificates.map { try tls($0, for: address) },
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(30)),
            connectionPool: .init(
                // Elsewhere there may be one for each of many blobs.
                idleTimeout: .seconds(way.isRegistry ? 30 : 10),
                concurrentHTTP1ConnectionsPerHostSoftLimit: options.connections),
            ignoreUncleanSSLShutdown: false, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        var proxy = way.proxy
        var relay: ProxyRelay?
        if let encrypted = proxy, encrypted.kind == .https {
            let found = try self.relay(to: encrypted)
            (proxy, relay) = (encrypted.relayed(by: found), found)
        }
        let isForwarder = way.certificates == nil && proxy?.kind == .http
        if !isForwarder { configuration.proxy = proxy?.tunnel }
        let boundary = proxy == nil ? boundary : nil
        configuration.http1_1ConnectionDebugInitializer = { channel in
            do {
                try boundary?.check(channel, isRegistry: way.isRegistry)
            } catch {
                channel.close(promise: nil)
                return channel.eventLoop.makeFailedFuture(error)
            }
            let isSet = channel.setOption(Self.unsentLimit, value: 128 << 10)
            return isForwarder ? isSet.flatMap { AbsoluteForm.add(to: channel) } : isSet
        }
        let new = Client(
            HTTPClient(
                eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration),
            forwarder: isForwarder ? proxy : nil, relay: relay)
        return clients.withLock { clients in
            if let client = clients[way] { return client }
            clients[way] = new
            return new
        }
    }

    private func relay(to proxy: ProxySettings.Proxy) throws -> ProxyRelay {
        try relays.withLock { relays in
            if let relay = relays[proxy.origin] { return relay }
            let origin = "https://" + proxy.origin.dropFirst("http://".count)
            guard let address = Address(origin) else { throw ImageError.refused("\(origin): invalid proxy address") }
            var tls = try tls(certificates(for: address), for: address)
            // --tls-verify=false applies to the registry only.
            tls.certificateVerification = .fullVerification
            // A client certificate in certs.d is for what is there, and the relay would offer it to everybody on this machine.
            tls.certificateChain = []
            tls.privateKey = nil
            tls.applicationProtocols = ["http/1.1"]
            let relay = try ProxyRelay(toHost: proxy.host, port: proxy.port, tls: tls)
            relays[proxy.origin] = relay
            return relay
        }
    }

    /// Returns the failure to reach a proxy, if that broke the connection to its relay; otherwise the error itself.
    func cause(of error: any Error, at address: Address) -> any Error {
        guard let proxy = try? proxies.proxy(for: address), let failure = relays.withLock({ $0[proxy.origin] })?.failure
        else { return error }
        return ProxyFailure(cause: failure)
    }

    /// Whether a second connection may look at a server's certificate: not through a proxy, and not where a server's
    /// boundary has to be kept.
    func mayProbe(_ address: Address) -> Bool { boundary == nil && (try? proxies.proxy(for: address)) == .some(nil) }

    private func certificates(for address: Address) throws -> CertificateFiles {
        try CertificateFiles(for: address, options: options, isRegistry: address.hasSameOrigin(as: registry))
    }

    private func tls(_ files: CertificateFiles, for address: Address) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !options.verifiesTLS { tls.certificateVerification = .none }
        do {
            if let roots = files.systemRoots { tls.trustRoots = try files.trustRoots(roots) }
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
            throw ImageError.refused(
                "\(address.origin): a certificate file is invalid (\(files.description))"
                    + ((error as? ImageError).map { ": \($0)" } ?? "; expected PEM, and a key without a password"))
        }
        return tls
    }
}
