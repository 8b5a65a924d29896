import ByteStreams
import Glibc
import HTTPTypes
import Hummingbird
import ImageModel
import Logging
import NIOCore
import NIOHTTP1
import RegistryStore

/// Answers requests: finds out what they are for, whether they may, and who does the work.
struct RegistryResponder: HTTPResponder {
    typealias Context = RegistryContext

    let configuration: ServerConfiguration
    /// Of every answer of the API: `http.headers`.
    let headers: [HTTPField]
    let content: any RegistryContent
    /// nil where nothing may be changed.
    let store: Store?
    let access: any AccessControl
    let health: HealthMonitor
    let metrics: ServerMetrics
    let events: EventQueue
    let validation: ManifestValidation
    let accessLog: AccessLog?
    let proxies: TrustedProxies
    let connections: ConnectionTable
    let documents: DocumentMemory
    let logger: Logger
    /// Whether an empty list of tags is `null`, as in registry 2.x.
    let nullTags: Bool

    /// A client that hears that something is there may refer to it, and not send it: the store has to know. nil where
    /// nobody may.
    var affirming: Store? { configuration.storage.isReadOnly || store?.tree.isRemote == true ? nil : store }

    var isSecure: Bool { configuration.http.tls != nil }

    func respond(to request: Request, context: RegistryContext) async throws -> Response {
        let start = ContinuousClock.now
        let exchange = Exchange(request, context, self)
        metrics.began(exchange.endpoint)
        var response: Response
        do {
            response = try await ClientConnection.$current.withValue(
                ClientConnection(channel: context.channel, client: exchange.client.share)
            ) {
                guard connections.add(context.channel, of: exchange.client.share) else { throw Overload.ofClient }
                return try await answer(exchange)
            }
        } catch let error as APIError {
            response = error.response
        } catch let failure as UpstreamFailure {
            response = APIError(failure).response
        } catch let overload as Overload {
            response = APIError(overload).response
        } catch is CancellationError {
            // The client has gone, or the server ends.
            response = APIError(.unavailable).response
        } catch is HTTPParserError {
            // The connection broke in the middle of the body, or what came there is no HTTP.
            response = APIError(.sizeInvalid, "the body ended early").response
        } catch let error as ImageError where error.isOutOfFiles {
            logger.error("\(request.method) \(request.head.path ?? ""): \(error); raise LimitNOFILE")
            response = APIError(Overload.ofServer).response
        } catch {
            // The reason is for the operator, and may name paths.
            logger.error("\(request.method) \(request.head.path ?? ""): \(error)")
            response = ((error as? ImageError).flatMap { APIError(storage: $0) } ?? APIError(.unknown)).response
        }
        if exchange.isAPI {
            response.headers[.apiVersion] = "registry/2.0"
            response.headers.append(contentsOf: headers)
        }
        let status = response.status.code
        let size = request.method == .head ? 0 : response.body.contentLength ?? 0
        metrics.ended(
            exchange.endpoint, request.method, status: status, received: exchange.contentLength ?? 0, sent: size,
            after: start.duration(to: .now))
        accessLog?.write(request, from: exchange.client, user: exchange.actor, status: status, size: size)
        logger.debug("\(request.method) \(request.head.path ?? "/"): \(status), \(start.duration(to: .now))")
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }

    private func answer(_ exchange: Exchange) async throws -> Response {
        let method = exchange.request.method
        if exchange.contentLength == nil, let text = exchange.request.headers[.contentLength] {
            throw APIError(.sizeInvalid, "no body has the length \(text)")
        }
        // A browser sends this preflight without credentials before a page of another origin may send its request.
        if method == .options {
            return Response(status: .ok, headers: [.allow: exchange.endpoint?.allowed ?? "GET, HEAD"])
        }
        guard let endpoint = exchange.endpoint else { return .plain(.notFound, "404 page not found\n") }
        switch endpoint {
        case .root: return Response(status: .ok, headers: [.cacheControl: "no-cache"])
        case .moved(let path):
            return Response(
                status: .movedPermanently, headers: [.location: configuration.http.prefix.dropLast() + path])
        default: break
        }
        let allowed = endpoint.methods
        if !allowed.isEmpty, !allowed.contains(method) {
            return .plain(.methodNotAllowed, "Method not allowed\n", allow: endpoint.allowed)
        }
        if health.isFailing {
            // What fails is for the operator, and may name paths and other machines: see the log, and the debug server.
            throw APIError(.unavailable, "health check failed: please see /debug/health")
        }
        let isChange = ![.get, .head].contains(method)
        if isChange, endpoint != .base, configuration.storage.isReadOnly {
            throw unchangeable
        }
        try await authorize(exchange, endpoint)
        if let repository = endpoint.repository, !ImageName.isRepository(repository) {
            throw APIError(.nameInvalid, detail: .string(repository))
        }
        // Nothing is ever changed where dray only shows what lies there.
        if isChange, endpoint != .base, store == nil { throw unchangeable }
        return try await dispatch(exchange, endpoint)
    }

    /// The refusal of every change.
    private var unchangeable: APIError {
        let reason =
            if store == nil, configuration.proxy == nil {
                "the registry serves archives and layouts as they are; nothing can be pushed or deleted; "
                    + StartSummary.writableAdvice
            } else if configuration.proxy != nil {
                "the registry is a cache of another one; push to that one, or delete there"
            } else {
                "the registry is read-only (storage.maintenance.readonly)"
            }
        var error = APIError(.unsupported, message: reason)
        error.headers[.allow] = "GET, HEAD"
        return error
    }

    private func dispatch(_ exchange: Exchange, _ endpoint: Endpoint) async throws -> Response {
        switch (endpoint, exchange.request.method) {
        case (.base, _): return Response.base
        case (.catalog, _): return try await catalog(exchange)
        case (.tags(let repository), _): return try await tags(exchange, of: repository)
        case (.manifest(let repository, let reference), .put):
            return try await putManifest(exchange, reference, in: repository)
        case (.manifest(let repository, let reference), .delete):
            return try await deleteManifest(exchange, reference, in: repository)
        case (.manifest(let repository, let reference), _):
            return try await manifest(exchange, reference, in: repository)
        case (.blob(let repository, let digest), .delete):
            return try await deleteBlob(exchange, digest, in: repository)
        case (.blob(let repository, let digest), _): return try await blob(exchange, digest, in: repository)
        case (.uploads(let repository), _): return try await beginUpload(exchange, in: repository)
        case (.upload(let repository, let id), .patch):
            return try await continueUpload(exchange, id, in: repository)
        case (.upload(let repository, let id), .put): return try await finishUpload(exchange, id, in: repository)
        case (.upload(let repository, let id), .delete):
            return try await cancelUpload(exchange, id, in: repository)
        case (.upload(let repository, let id), _): return try await uploadStatus(exchange, id, in: repository)
        case (.referrers(let repository, let digest), _):
            return try await referrers(exchange, of: digest, in: repository)
        case (.root, _), (.moved, _): return .plain(.notFound, "404 page not found\n")
        }
    }

    private func authorize(_ exchange: Exchange, _ endpoint: Endpoint) async throws {
        let items = endpoint.accessItems(exchange.request.method, query: exchange.query)
        do {
            exchange.actor = try await access.authorize(
                exchange.request.headers[.authorization], for: items, origin: exchange.address.origin)
        } catch let denied as AccessDenied {
            logger.warning("\(exchange.request.method) \(exchange.request.head.path ?? ""): \(denied.reason)")
            let detail = items.map { item in
                JSONValue.object([
                    "Type": .string(item.type), "Class": .string(""), "Name": .string(item.name),
                    "Action": .string(item.action),
                ])
            }
            var error = APIError(.unauthorized, detail: items.isEmpty ? .null : .array(detail))
            error.headers[.wwwAuthenticate] = denied.challenge
            throw error
        }
    }
}

extension ImageError {
    fileprivate var isOutOfFiles: Bool {
        errno == EMFILE || errno == ENFILE
    }
}

extension Response {
    /// `/v2/`: the API is spoken here.
    static var base: Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "{}")))
    }
}
