import Hummingbird

/// `http.debug`: health, and metrics.
struct DebugResponder: HTTPResponder {
    typealias Context = RegistryContext

    let health: HealthMonitor
    let metrics: ServerMetrics
    let metricsPath: String?

    func respond(to request: Request, context: RegistryContext) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            return .plain(.methodNotAllowed, "Method not allowed\n", allow: "GET, HEAD")
        }
        let response: Response
        switch request.uri.path {
        case "/debug/health":
            let status = health.status
            var answer = try Response.json(status)
            answer.status = status.isEmpty ? .ok : .serviceUnavailable
            response = answer
        case metricsPath:
            response = Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.text())))
        default: response = .plain(.notFound, "404 page not found\n")
        }
        return request.method == .head ? response.createHeadResponse() : response
    }
}
