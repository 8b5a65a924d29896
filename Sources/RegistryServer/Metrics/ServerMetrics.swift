import HTTPTypes
import NIOHTTP1
import Synchronization

/// Counts for Prometheus, under the original's names: `registry_http_*`, `registry_storage_*`,
/// `registry_notifications_*`, `registry_proxy_*` and `process_*`.
///
/// Source: distribution 2.8 and 3, their packages metrics, notifications and registry/proxy.
package final class ServerMetrics: Sendable {
    /// Content that a cache holds.
    enum CachedKind: String, CaseIterable, Sendable { case blob, manifest }

    /// What becomes of a notification; the original's labels.
    enum NotificationOutcome: String, CaseIterable, Sendable {
        case events = "Events"
        case successes = "Successes"
        case failures = "Failures"
        case errors = "Errors"
    }

    private struct Route: Hashable, Comparable {
        var handler: String
        var method: String
        var code: Int = 0

        static func < (a: Route, b: Route) -> Bool { (a.handler, a.method, a.code) < (b.handler, b.method, b.code) }
    }

    private struct Cached {
        var requests = 0
        var hits = 0
        var misses = 0
        var pulled: Int64 = 0
        var pushed: Int64 = 0
    }

    private struct Notified {
        var pending = 0
        var outcomes: [NotificationOutcome: Int] = [:]
        var statuses: [Int: Int] = [:]
    }

    private struct State {
        var inFlight: [String: Int] = [:]
        var requests: [Route: Int] = [:]
        var durations: [Route: Histogram] = [:]
        var requestSizes: [String: Histogram] = [:]
        var responseSizes: [String: Histogram] = [:]
        var actions: [String: Histogram] = [:]
        var cached: [CachedKind: Cached] = [:]
        /// By the endpoint's name.
        var notified: [String: Notified] = [:]
    }

    private static let seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100]
    private static let bytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]

    private let state = Mutex(State())

    package init() {}

    // MARK: Requests

    func began(_ endpoint: Endpoint?) {
        state.withLock { $0.inFlight[endpoint?.title ?? "none", default: 0] += 1 }
    }

    /// - Parameters:
    ///   - received: bytes of the request's body, where it tells.
    ///   - sent: bytes of the answer's body.
    func ended(
        _ endpoint: Endpoint?, _ method: HTTPRequest.Method, status: Int, received: Int64, sent: Int,
        after duration: Duration
    ) {
        let handler = endpoint?.title ?? "none"
        // Only methods that are known: a client could make up others without end.
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        let route = Route(handler: handler, method: known.contains(method) ? method.rawValue.lowercased() : "other")
        state.withLock { state in
            state.inFlight[handler, default: 0] -= 1
            var full = route
            full.code = status
            state.requests[full, default: 0] += 1
            state.durations[route, default: Histogram(Self.seconds)].add(duration / .seconds(1))
            state.requestSizes[handler, default: Histogram(Self.bytes)].add(Double(received))
            state.responseSizes[handler, default: Histogram(Self.bytes)].add(Double(sent))
        }
    }

    /// - Parameter action: the original's name of the storage operation.
    func storage(_ action: String, took duration: Duration) {
        state.withLock { $0.actions[action, default: Histogram(Self.seconds)].add(duration / .seconds(1)) }
    }

    // MARK: Cache

    /// A cache answers a request.
    ///
    /// - Parameter isHit: whether it had the content already.
    func cacheServed(_ kind: CachedKind, bytes: Int64, isHit: Bool) {
        state.withLock { state in
            state.cached[kind, default: Cached()].requests += 1
            state.cached[kind, default: Cached()].pushed += bytes
            if isHit { state.cached[kind, default: Cached()].hits += 1 }
        }
    }

    /// A cache has fetched content from the other registry.
    func cacheFetched(_ kind: CachedKind, bytes: Int64) {
        state.withLock { state in
            state.cached[kind, default: Cached()].misses += 1
            state.cached[kind, default: Cached()].pulled += bytes
        }
    }

    // MARK: Notifications

    func notification(_ outcome: NotificationOutcome, of endpoint: String, status: Int? = nil) {
        state.withLock { state in
            state.notified[endpoint, default: Notified()].outcomes[outcome, default: 0] += 1
            if let status { state.notified[endpoint, default: Notified()].statuses[status, default: 0] += 1 }
        }
    }

    /// - Parameter count: events that the endpoint has not been told yet.
    func pendingNotifications(_ count: Int, of endpoint: String) {
        state.withLock { $0.notified[endpoint, default: Notified()].pending = count }
    }

    // MARK: Text

    /// In Prometheus' text format.
    func text() -> String {
        let state = state.withLock { $0 }
        var text = PrometheusText()
        Self.writeRequests(state, to: &text)
        text.family(
            "registry_storage_action_seconds", "histogram", "The number of seconds that the storage action takes")
        for (action, value) in state.actions.sorted(by: { $0.key < $1.key }) {
            text.histogram(
                "registry_storage_action_seconds", [("action", action), ("driver", "filesystem")], value)
        }
        Self.writeCache(state, to: &text)
        Self.writeNotifications(state, to: &text)
        ProcessMetrics.write(to: &text)
        return text.text
    }

    private static func writeRequests(_ state: State, to text: inout PrometheusText) {
        text.family("registry_http_in_flight_requests", "gauge", "The in-flight HTTP requests")
        for (handler, count) in state.inFlight.sorted(by: { $0.key < $1.key }) {
            text.value("registry_http_in_flight_requests", [("handler", handler)], count)
        }
        text.family("registry_http_requests_total", "counter", "Total number of HTTP requests made.")
        for (route, count) in state.requests.sorted(by: { $0.key < $1.key }) {
            text.value(
                "registry_http_requests_total",
                [("code", "\(route.code)"), ("handler", route.handler), ("method", route.method)], count)
        }
        text.family("registry_http_request_duration_seconds", "histogram", "The HTTP request latencies in seconds.")
        for (route, value) in state.durations.sorted(by: { $0.key < $1.key }) {
            text.histogram(
                "registry_http_request_duration_seconds", [("handler", route.handler), ("method", route.method)], value)
        }
        for (name, help, sizes) in [
            ("registry_http_request_size_bytes", "The HTTP request sizes in bytes.", state.requestSizes),
            ("registry_http_response_size_bytes", "The HTTP response sizes in bytes.", state.responseSizes),
        ] {
            text.family(name, "histogram", help)
            for (handler, value) in sizes.sorted(by: { $0.key < $1.key }) {
                text.histogram(name, [("handler", handler)], value)
            }
        }
    }

    private static func writeCache(_ state: State, to text: inout PrometheusText) {
        let families: [(String, String, (Cached) -> Int64)] = [
            ("requests", "The number of total incoming proxy request received", { Int64($0.requests) }),
            ("hits", "The number of total proxy request hits", { Int64($0.hits) }),
            ("misses", "The number of total proxy request misses", { Int64($0.misses) }),
            ("pulled_bytes", "The size of total bytes pulled from the upstream", \.pulled),
            ("pushed_bytes", "The size of total bytes pushed to the client", \.pushed),
        ]
        for (name, help, count) in families {
            text.family("registry_proxy_\(name)_total", "counter", help)
            for kind in CachedKind.allCases {
                text.value(
                    "registry_proxy_\(name)_total", [("type", kind.rawValue)], count(state.cached[kind] ?? Cached()))
            }
        }
        // The original's cache of blob descriptors: nothing of that kind is needed here, and nothing is asked of it.
        for (name, help) in [
            ("requests", "The number of cache request received"), ("hits", "The number of cache request received"),
            ("errors", "The number of cache request errors"),
        ] {
            text.family("registry_storage_cache_\(name)_total", "counter", help)
            text.value("registry_storage_cache_\(name)_total", [], 0)
        }
    }

    private static func writeNotifications(_ state: State, to text: inout PrometheusText) {
        let endpoints = state.notified.sorted { $0.key < $1.key }
        text.family("registry_notifications_events_total", "counter", "The number of total events")
        for (endpoint, notified) in endpoints {
            for outcome in NotificationOutcome.allCases {
                text.value(
                    "registry_notifications_events_total", [("endpoint", endpoint), ("type", outcome.rawValue)],
                    notified.outcomes[outcome] ?? 0)
            }
        }
        text.family("registry_notifications_pending_total", "gauge", "The gauge of pending events in queue")
        for (endpoint, notified) in endpoints {
            text.value("registry_notifications_pending_total", [("endpoint", endpoint)], notified.pending)
        }
        text.family("registry_notifications_status_total", "counter", "The number of status code")
        for (endpoint, notified) in endpoints {
            for (code, count) in notified.statuses.sorted(by: { $0.key < $1.key }) {
                let status = "\(code) \(HTTPResponseStatus(statusCode: code).reasonPhrase)"
                text.value("registry_notifications_status_total", [("code", status), ("endpoint", endpoint)], count)
            }
        }
    }
}
