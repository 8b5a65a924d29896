import Foundation
import Testing

/// What Prometheus reads at the debug address: the original's names.
struct MetricsTests {
    private let scratch: Scratch
    private let debug: String

    init() throws {
        scratch = try Scratch()
        debug = "127.0.0.1:\(try Registry.freePort())"
    }

    private func server(_ top: String = "", root: String? = nil) throws -> Server {
        let server = try Server(
            .init(http: "debug: {addr: '\(debug)', prometheus: {enabled: true}}", top: top), in: scratch, root: root)
        try Command.shell(
            "curl -s -o /dev/null --retry 100 --retry-connrefused --retry-delay 0 --retry-max-time 20 http://\(debug)/")
        return server
    }

    /// The values, by name and labels as they are written.
    private func values() throws -> [String: Double] {
        let text = try HTTPConversation(debug).request("GET", "/metrics").text
        var values: [String: Double] = [:]
        var families: Set<Substring> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") { #expect(families.insert(line.split(separator: " ")[2]).inserted, "\(line)") }
            guard !line.hasPrefix("#"), let space = line.lastIndex(of: " ") else { continue }
            let name = line[..<space].prefix { $0 != "{" }
            let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) ? $0.dropLast($1.count) : $0 }
            #expect(families.contains(name) || families.contains(family), "\(line)")
            let value = try #require(Double(line[line.index(after: space)...]), "\(line)")
            values[String(line[..<space])] = value
        }
        return values
    }

    @Test func theProcessIsDescribed() throws {
        let server = try server()
        let values = try values()
        let now = Date.now.timeIntervalSince1970
        let start = try #require(values["process_start_time_seconds"])
        #expect(start > now - 600 && start < now + 5, "\(start), now \(now)")
        let memory = try #require(values["process_resident_memory_bytes"])
        #expect(memory > 1e6 && memory < 4e9)
        #expect(try #require(values["process_virtual_memory_bytes"]) > memory)
        #expect(values["process_virtual_memory_max_bytes"] != nil)
        let files = try #require(values["process_open_fds"]), limit = try #require(values["process_max_fds"])
        #expect(files >= 5 && files < limit)
        let before = try #require(values["process_cpu_seconds_total"])
        for _ in 0..<200 { _ = try server.get("/v2/") }
        #expect(try #require(self.values()["process_cpu_seconds_total"]) >= before && before < 600)
    }

    /// Open files are counted when they are asked for.
    @Test func openConnectionsAreOpenFiles() throws {
        let server = try server()
        let before = try #require(try values()["process_open_fds"])
        let open = try (0..<20).map { _ in
            let conversation = try HTTPConversation(server.address)
            _ = try conversation.request("GET", "/v2/")
            return conversation
        }
        #expect(try #require(values()["process_open_fds"]) >= before + 20)
        withExtendedLifetime(open) {}
    }

    @Test func requestsAreMeasured() throws {
        let server = try server()
        try server.push(.hello, to: "a", as: "1")
        _ = try server.get("/v2/a/manifests/1")
        _ = try server.get("/v2/a/manifests/2")
        let values = try values()
        #expect(values["registry_http_requests_total{code=\"200\",handler=\"manifest\",method=\"get\"}"] == 1)
        #expect(values["registry_http_requests_total{code=\"404\",handler=\"manifest\",method=\"get\"}"] == 1)
        #expect(values["registry_http_request_duration_seconds_count{handler=\"manifest\",method=\"get\"}"] == 2)
        #expect(values["registry_http_request_size_bytes_sum{handler=\"manifest\"}"] == 583)
        #expect(values["registry_http_response_size_bytes_count{handler=\"manifest\"}"] == 3)
        #expect(values["registry_http_in_flight_requests{handler=\"manifest\"}"] == 0)
        #expect(values["registry_storage_cache_requests_total"] == 0)
    }

    @Test(arguments: [0, 2]) func notificationsAreCounted(_ failures: Int) throws {
        let sink = try Helper("event-sink", [scratch["events"], "\(failures)"])
        let server = try server(
            "notifications: {endpoints: [{name: 'the \"sink\"', url: 'http://127.0.0.1:\(sink.port)/', timeout: 5s, "
                + "backoff: 10ms}]}")
        try server.push(.hello, to: "a", as: "1")
        let name = #"endpoint="the \"sink\"""#
        func count(_ metric: String) throws -> Double? { try values()["registry_notifications_\(metric)}"] }
        try eventually("not all are told") { try count("events_total{\(name),type=\"Successes\"") == 3 }
        #expect(try count("events_total{\(name),type=\"Events\"") == 3)
        #expect(try count("events_total{\(name),type=\"Failures\"") == Double(failures))
        #expect(try count("events_total{\(name),type=\"Errors\"") == 0)
        try eventually("some are pending") { try count("pending_total{\(name)") == 0 }
        #expect(try count("status_total{code=\"200 OK\",\(name)") == 3)
        #expect(
            try count("status_total{code=\"503 Service Unavailable\",\(name)")
                == (failures == 0 ? nil : Double(failures)))
    }

    @Test func anEndpointThatIsAwayHasErrorsAndPendingEvents() throws {
        let port = try Registry.freePort()
        let server = try server("notifications: {endpoints: [{name: away, url: 'http://127.0.0.1:\(port)/'}]}")
        try server.push(blob: [1, 2, 3], to: "a")
        try eventually("no error is counted") {
            try values()["registry_notifications_events_total{endpoint=\"away\",type=\"Errors\"}"] ?? 0 > 0
        }
        #expect(try values()["registry_notifications_pending_total{endpoint=\"away\"}"] == 1)
    }

    @Test func aCacheCountsHitsAndMisses() throws {
        let upstream = try Server.withHello(in: scratch)
        let image = TinyImage.hello
        let server = try server("proxy: {remoteurl: 'http://\(upstream.address)'}", root: scratch["cache"])
        func count(_ name: String, _ type: String) throws -> Double? {
            try values()["registry_proxy_\(name)_total{type=\"\(type)\"}"]
        }
        #expect(try count("requests", "blob") == 0 && count("hits", "manifest") == 0)
        for _ in 0..<3 {
            #expect(try server.get("/v2/library/hello/manifests/\(image.digest)").body == image.manifest)
            #expect(try server.get("/v2/library/hello/blobs/\(image.layerDigest)").body == image.layer)
        }
        for (type, bytes) in [("manifest", image.manifest.count), ("blob", image.layer.count)] {
            #expect(try count("requests", type) == 3 && count("hits", type) == 2 && count("misses", type) == 1)
            #expect(try count("pulled_bytes", type) == Double(bytes))
            #expect(try count("pushed_bytes", type) == Double(3 * bytes))
        }
    }
}
