import AsyncHTTPClient
import ByteStreams
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
    private let options: RegistryOptions
    private let proxies = ProxySettings.fromEnvironment()
    private let clients = Mutex<[String: HTTPClient]>([:])

    init(_ options: RegistryOptions) { self.options = options }

    deinit {
        for client in clients.withLock({ $0.values }) { client.shutdown { _ in } }
    }

    /// Starts a request; does not wait.
    func start(_ request: HTTPRequest) throws -> HTTPExchange {
        let client = try client(for: request.address)
        let loop = client.eventLoopGroup.next()
        let exchange = HTTPExchange(patience: options.timeout, loop: loop)
        var headers = request.headers
        headers.replaceOrAdd(name: "user-agent", value: RegistryOptions.userAgent)
        let body: HTTPClient.Body? =
            switch request.body {
            case .none: nil
            case .bytes(let bytes): .byteBuffer(ByteBuffer(bytes: bytes))
            case .stream(let length): .stream(contentLength: length) { exchange.openBody($0) }
            }
        let outgoing: HTTPClient.Request
        do {
            outgoing = try HTTPClient.Request(
                url: request.address.text, method: request.method, headers: headers, body: body)
        } catch {
            throw TransferError.refused("\(request.address.origin): its URL cannot be asked for: \(error)")
        }
        exchange.started(
            client.execute(
                request: outgoing, delegate: exchange, eventLoop: .indifferent))
        return exchange
    }

    private func client(for address: Address) throws -> HTTPClient {
        let key = address.origin
        if let client = clients.withLock({ $0[key] }) { return client }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: address.scheme == "https" ? try tls(for: address) : nil,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(30)),
            connectionPool: .init(idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 16),
            ignoreUncleanSSLShutdown: false, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.proxy = try proxies.proxy(for: address)
        let new = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
        let (used, spare) = clients.withLock { clients -> (HTTPClient, HTTPClient?) in
            if let client = clients[key] { return (client, new) }
            clients[key] = new
            return (new, nil)
        }
        spare?.shutdown { _ in }
        return used
    }

    private func tls(for address: Address) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !options.verifiesTLS { tls.certificateVerification = .none }
        let files = try CertificateFiles(for: address, options: options)
        do {
            if let roots = files.systemRoots { tls.trustRoots = .file(roots) }
            tls.additionalTrustRoots = try files.authorities.map {
                .certificates(try NIOSSLCertificate.fromPEMFile($0))
            }
            if let pair = files.client {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(pair.certificate).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: pair.key, format: .pem))
            }
        } catch {
            throw TransferError.refused(
                "\(address.origin): a certificate file cannot be used (\(files.description)): \(error)")
        }
        return tls
    }
}
