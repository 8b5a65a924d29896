import AsyncHTTPClient
import ByteStreams
import ImageModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Connections to servers; closed when the last reference goes.
///
/// There is one HTTP client for each combination of proxy and patience, made when it is first needed.
final class NetworkClient: Sendable {
    private struct Kind: Hashable {
        let isSlow: Bool
        /// nil for a direct connection.
        let proxiedHost: String?
        let isTLS: Bool
    }

    /// Bytes of the answer to a large body.
    private static let answerLimit = 1 << 20

    private let options: NetworkOptions
    private let environment: [String: String]
    private let clients = Mutex<[Kind: HTTPClient]>([:])

    init(_ options: NetworkOptions, environment: [String: String]) {
        self.options = options
        self.environment = environment
    }

    deinit {
        for client in clients.withLock({ $0.values }) { client.shutdown { _ in } }
    }

    /// Sends a request and waits for the head of its answer. Redirects are not followed.
    ///
    /// - Parameters:
    ///   - address: whose path is not used.
    ///   - target: the path and query, encoded.
    ///   - isSlow: whether the server may need minutes before it answers.
    ///   - deadline: for the whole answer, body included; nil where only silence is limited.
    /// - Throws: errors for `NetworkFailure`; `NetworkProblem`; `CancellationError`.
    func send(
        _ method: HTTPMethod, _ address: ServerAddress, target: String, headers: HTTPHeaders, body: ByteBuffer? = nil,
        isSlow: Bool = false, deadline: Duration? = nil
    ) async throws -> HTTPClientResponse {
        let url = address.origin + target
        let client = try client(for: address, isSlow: isSlow)
        let end: NIODeadline = deadline.map { .now() + Self.amount($0) } ?? .distantFuture
        do {
            if let body, body.readableBytes > PacedBody.pieceSize {
                let paced = PacedBody(body)
                defer { paced.release() }
                let request = try HTTPClient.Request(url: url, method: method, headers: headers, body: paced.body)
                return try await upload(request, by: client, until: end)
            }
            var request = HTTPClientRequest(url: url)
            request.method = method
            request.headers = headers
            request.body = body.map { .bytes($0) }
            return try await client.execute(request, deadline: end)
        } catch let error as HTTPClientError where error == .cancelled && Task.isCancelled {
            throw CancellationError()
        }
    }

    /// Sends a request whose answer is small.
    private func upload(
        _ request: HTTPClient.Request, by client: HTTPClient, until end: NIODeadline
    ) async throws -> HTTPClientResponse {
        let answer = ResponseAccumulator(request: request, maxBodySize: Self.answerLimit)
        let task = client.execute(request: request, delegate: answer, deadline: end)
        let response = try await withTaskCancellationHandler {
            try await task.get()
        } onCancel: {
            task.cancel()
        }
        return HTTPClientResponse(
            status: response.status, headers: response.headers, body: response.body.map { .bytes($0) } ?? .init())
    }

    private func client(for address: ServerAddress, isSlow: Bool) throws -> HTTPClient {
        let proxy = try ProxyChoice(environment).proxy(isTLS: address.isTLS, host: address.host)
        let kind = Kind(isSlow: isSlow, proxiedHost: proxy == nil ? nil : address.host, isTLS: address.isTLS)
        return try clients.withLock { clients in
            if let client = clients[kind] { return client }
            let client = try makeClient(proxy, isSlow: isSlow, isTLS: address.isTLS)
            clients[kind] = client
            return client
        }
    }

    private func makeClient(_ proxy: HTTPClient.Configuration.Proxy?, isSlow: Bool, isTLS: Bool) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: isTLS ? try tls() : nil,
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: Self.amount(options.connectTimeout),
                read: Self.amount(isSlow ? options.slowTimeout : options.timeout),
                write: Self.amount(options.timeout)),
            connectionPool: .init(
                idleTimeout: .seconds(20), concurrentHTTP1ConnectionsPerHostSoftLimit: options.connections),
            proxy: proxy, ignoreUncleanSSLShutdown: false, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.dnsOverride = options.addresses
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    private static func amount(_ duration: Duration) -> TimeAmount {
        .milliseconds(Int64(duration / .milliseconds(1)))
    }

    /// `AWS_CA_BUNDLE` replaces the system's authorities, as in AWS's own tools; the option adds to them.
    private func tls() throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !options.verifiesTLS { tls.certificateVerification = .none }
        if let roots = environment["AWS_CA_BUNDLE"] ?? environment["SSL_CERT_FILE"], !roots.isEmpty {
            tls.trustRoots = .certificates(try certificates(roots))
        }
        tls.additionalTrustRoots = try options.authorityFiles.map { .certificates(try certificates($0)) }
        return tls
    }

    private func certificates(_ path: String) throws -> [NIOSSLCertificate] {
        do {
            guard let bytes = try PEMFile.read(path, limit: 16 << 20) else {
                throw NetworkProblem("\(path): no such file; correct the path of the CA file")
            }
            return try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch let error as ImageError {
            throw NetworkProblem("\(error)")
        } catch is NIOSSLError {
            throw NetworkProblem("\(path): not a file of PEM certificates; correct the path of the CA file")
        }
    }
}
