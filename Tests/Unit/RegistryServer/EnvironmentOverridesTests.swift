import RegistryServer
import Testing

struct EnvironmentOverridesTests {
    private func read(_ environment: [String: String]) throws -> ServerConfiguration {
        let (configuration, warnings) = try readConfiguration(goodConfiguration, environment: environment)
        #expect(warnings == [])
        return configuration
    }

    @Test func valuesAreSet() throws {
        let c = try read([
            "REGISTRY_HTTP_ADDR": "127.0.0.1:6000", "REGISTRY_LOG_LEVEL": "error", "REGISTRY_HTTP_SECRET": "s",
            "REGISTRY_STORAGE_DELETE_ENABLED": "true", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/elsewhere",
            "REGISTRY_STORAGE_MAINTENANCE_READONLY": "{\"enabled\": true}", "REGISTRY_CATALOG_MAXENTRIES": "7",
            "REGISTRY_PROXY_REMOTEURL": "https://up", "REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin": "['*']",
            "REGISTRY_LOG_FIELDS": "{a: b}", "REGISTRY_LOG_FIELDS_C": "d", "REGISTRY_CONFIGURATION_PATH": "/x",
            "REGISTRY_AUTH_FILE": "/auth.json", "PATH": "/bin", "REGISTRYX": "1",
            "REGISTRY_HEALTH_FILECHECKERS": "[{file: /down}]",
            "REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES": "on",
        ])
        #expect(c.http.address == .tcp(host: "127.0.0.1", port: 6000) && c.log.level == .error && c.http.secret == "s")
        #expect(c.storage.allowsDeletion && c.storage.isReadOnly && c.storage.root == "/elsewhere")
        #expect(c.catalogLimit == 7 && c.proxy?.url == "https://up" && c.log.fields == ["a": "b", "c": "d"])
        #expect(c.http.headers.map(\.name) == ["access-control-allow-origin"])
        #expect(c.http.headers.map(\.values) == [["*"]])
        #expect(c.health.checks.count == 1 && c.notifications.includesReferences)
        if case .open = c.access {} else { Issue.record("\(c.access)") }
    }

    @Test func aNameStandsForASection() throws {
        let c = try read([
            "REGISTRY_AUTH": "htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM": "Registry Realm",
            "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/htpasswd",
        ])
        guard case .htpasswd("Registry Realm", "/auth/htpasswd") = c.access else {
            Issue.record("\(c.access)")
            return
        }
        let storage = try read([
            "REGISTRY_STORAGE": "filesystem", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/new",
        ])
        #expect(storage.storage.root == "/new")
        #expect(try read(["REGISTRY_STORAGE": "filesystem"]).storage.root == "/var/lib/registry")
    }

    @Test func numbersIndexLists() throws {
        var environment: [String: String] = [:]
        for index in 0...11 {
            environment["REGISTRY_NOTIFICATIONS_ENDPOINTS_\(index)_URL"] = "http://n\(index)"
            environment["REGISTRY_NOTIFICATIONS_ENDPOINTS_\(index)_NAME"] = "n\(index)"
        }
        let endpoints = try read(environment).notifications.endpoints
        #expect(endpoints.map(\.url) == (0...11).map { "http://n\($0)" })
        #expect(endpoints.map(\.name) == (0...11).map { "n\($0)" })

        let text = goodConfiguration + "health: {file: [{file: /a}, {file: /b}]}\n"
        let changed = try readConfiguration(text, environment: ["REGISTRY_HEALTH_FILE_1_FILE": "/c"]).configuration
        #expect(
            changed.health.checks.map { if case .file(let path) = $0.target { path } else { "" } } == ["/a", "/c"])
    }

    @Test func anEmptyValueTakesAway() throws {
        let text = goodConfiguration + "log: {level: debug}\n"
        #expect(try readConfiguration(text, environment: ["REGISTRY_LOG_LEVEL": ""]).configuration.log.level == .info)
    }

    @Test(arguments: [
        ["REGISTRY_BOGUS": "["], ["REGISTRY_PORT": "tcp://10.0.0.1:5000"], ["REGISTRY_PORT_5000_TCP": "x"],
        ["REGISTRY_HTTP_BOGUS": "x"], ["REGISTRY_HTTP_ADDR_X": "x"], ["REGISTRY_HTTP__ADDR": "x"], ["REGISTRY_": "x"],
        ["REGISTRY_HTTP_TLS_BOGUS_DEEP": "x"],
    ])
    func unknownOnesAreWarnedOf(_ environment: [String: String]) throws {
        let expected = environment.keys.map { "Ignoring unrecognized environment variable \($0)" }
        #expect(try readConfiguration(goodConfiguration, environment: environment).warnings == expected)
    }

    @Test(
        arguments: [
            (
                "REGISTRY_HTTP_ADDR", "5000",
                "REGISTRY_HTTP_ADDR: http.addr: '5000' is no address: write HOST:PORT, such as :5000; "
                    + "an IPv6 address goes in brackets"
            ),
            (
                "REGISTRY_STORAGE", "inmemory",
                "REGISTRY_STORAGE: storage.inmemory: there is no such storage here; "
                    + "dray keeps images in the file system or in S3: write storage: filesystem: rootdirectory: DIRECTORY, "
                    + "or storage: s3: with bucket and region"
            ),
            (
                "REGISTRY_STORAGE_S3_BUCKET", "b",
                "REGISTRY_STORAGE_S3_BUCKET: storage.s3: is one too many beside filesystem: keep one, for images are "
                    + "kept in one place"
            ),
            (
                "REGISTRY_HTTP_SECRET", "[a",
                "REGISTRY_HTTP_SECRET: the value is read as YAML, and is none: "
                    + "did not find expected ',' or ']' while parsing a flow sequence that begins in line 1; quotes within it may help"
            ),
            (
                "REGISTRY_NOTIFICATIONS_ENDPOINTS_2_URL", "http://x",
                "REGISTRY_NOTIFICATIONS_ENDPOINTS_2_URL: there is no entry 2: the list has 0 entries, counted from 0"
            ),
            (
                "REGISTRY_STORAGE_DELETE", "true",
                "REGISTRY_STORAGE_DELETE: storage.delete: is a single value where keys belong, "
                    + "each with a value: 'key: value'"
            ),
        ])
    func mistakesNameTheVariable(_ name: String, _ value: String, _ expected: String) {
        #expect(mistakes(goodConfiguration, environment: [name: value]) == [expected])
    }

    @Test func keysWithinAValueAreWarnedOfAsThose() throws {
        let warnings = try readConfiguration(goodConfiguration, environment: ["REGISTRY_LOG": "{levl: info}"]).warnings
        #expect(
            warnings == ["REGISTRY_LOG: log.levl: is no key that dray knows, and does nothing; is 'level' meant?"])
    }

    @Test func aValueThatIsAllCommentIsWarnedOf() throws {
        let warnings = try readConfiguration(goodConfiguration, environment: ["REGISTRY_HTTP_SECRET": "#hush"]).warnings
        #expect(warnings.count == 1 && warnings[0].hasPrefix("REGISTRY_HTTP_SECRET: the value is read as YAML"))
        #expect(!warnings.contains { $0.contains("hush") })
    }
}
