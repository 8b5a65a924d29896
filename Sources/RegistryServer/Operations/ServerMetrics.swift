import HTTPTypes
import Synchronization

/// Counts requests, for Prometheus. Families as the original's: `registry_http_*` and `registry_storage_*`.
final class ServerMetrics: Sendable {
    private struct Key: Hashable, Comparable {
        var handler: String
        var method: String
        var code: Int = 0

        static func < (a: Key, b: Key) -> Bool { (a.handler, a.method, a.code) < (b.handler, b.method, b.code) }
    }

    private struct Histogram {
        /// One count for each bound, and one for what is beyond.
        var counts: [Int]
        var sum = 0.0

        init(bounds: [Double]) { counts = Array(repeating: 0, count: bounds.count + 1) }

        mutating func add(_ value: Double, bounds: [Double]) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }
    }

    private struct State {
        var inFlight: [String: Int] = [:]
        var requests: [Key: Int] = [:]
        var durations: [Key: Histogram] = [:]
        var sizes: [Key: Histogram] = [:]
        var actions: [String: Histogram] = [:]
    }

    private static let seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100]
    private static let bytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]

    private let state = Mutex(State())

    func began(_ endpoint: Endpoint?) {
        state.withLock { $0.inFlight[endpoint?.title ?? "none", default: 0] += 1 }
    }

    func ended(
        _ endpoint: Endpoint?, _ method: HTTPRequest.Method, status: Int, size: Int, after duration: Duration
    ) {
        let handler = endpoint?.title ?? "none"
        // Only methods that are known: a client could make up others without end.
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        let key = Key(handler: handler, method: known.contains(method) ? method.rawValue.lowercased() : "other")
        state.withLock { state in
            state.inFlight[handler, default: 0] -= 1
            var full = key
            full.code = status
            state.requests[full, default: 0] += 1
            state.durations[key, default: Histogram(bounds: Self.seconds)].add(
                duration / .seconds(1), bounds: Self.seconds)
            state.sizes[key, default: Histogram(bounds: Self.bytes)].add(Double(size), bounds: Self.bytes)
        }
    }

    /// - Parameter action: what was asked of the storage.
    func storage(_ action: String, took duration: Duration) {
        state.withLock { state in
            state.actions[action, default: Histogram(bounds: Self.seconds)].add(
                duration / .seconds(1), bounds: Self.seconds)
        }
    }

    /// In Prometheus' text format, version 0.0.4.
    func text() -> String {
        let state = state.withLock { $0 }
        var lines: [String] = []
        func family(_ name: String, _ type: String, _ help: String) {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
        }
        func histogram(_ name: String, _ labels: String, _ histogram: Histogram, _ bounds: [Double]) {
            var total = 0
            for (bound, count) in zip(bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
                total += count
                lines.append("\(name)_bucket{\(labels),le=\"\(bound)\"} \(total)")
            }
            lines += ["\(name)_sum{\(labels)} \(histogram.sum)", "\(name)_count{\(labels)} \(total)"]
        }
        family("registry_http_in_flight_requests", "gauge", "The in-flight HTTP requests")
        for (handler, count) in state.inFlight.sorted(by: { $0.key < $1.key }) {
            lines.append("registry_http_in_flight_requests{handler=\"\(handler)\"} \(count)")
        }
        family("registry_http_requests_total", "counter", "Total number of HTTP requests made.")
        for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
            lines.append(
                "registry_http_requests_total{code=\"\(key.code)\",handler=\"\(key.handler)\",method=\"\(key.method)\"} \(count)"
            )
        }
        family("registry_http_request_duration_seconds", "histogram", "The HTTP request latencies in seconds.")
        for (key, value) in state.durations.sorted(by: { $0.key < $1.key }) {
            histogram(
                "registry_http_request_duration_seconds", "handler=\"\(key.handler)\",method=\"\(key.method)\"", value,
                Self.seconds)
        }
        family("registry_http_response_size_bytes", "histogram", "The HTTP response sizes in bytes.")
        for (key, value) in state.sizes.sorted(by: { $0.key < $1.key }) {
            histogram(
                "registry_http_response_size_bytes", "handler=\"\(key.handler)\",method=\"\(key.method)\"", value,
                Self.bytes)
        }
        family("registry_storage_action_seconds", "histogram", "The number of seconds that the storage action takes")
        for (action, value) in state.actions.sorted(by: { $0.key < $1.key }) {
            histogram(
                "registry_storage_action_seconds", "action=\"\(action)\",driver=\"filesystem\"", value, Self.seconds)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
