import ConfigurationFiles
import ImageModel
import RegistryServer
import Testing

struct ServerConfigurationTests {
    /// In the arrangement of registry 2.5's time.
    @Test func theOldFileIsRead() throws {
        let (configuration, warnings) = try readConfiguration(
            """
            version: 0.1
            log:
              fields:
                service: registry
            storage:
                cache:
                    layerinfo: inmemory
                filesystem:
                    rootdirectory: /var/lib/registry
                delete:
                    enabled: true
                maintenance:
                    uploadpurging:
                        enabled: false
                    readonly:
                        enabled: false
            http:
                addr: :5000
                secret: asecretforlocaldevelopment
                headers:
                    X-Content-Type-Options: [nosniff]
            health:
              storagedriver:
                enabled: true
                interval: 10s
                threshold: 3
            """)
        #expect(warnings == [])
        #expect(configuration.log.fields == ["service": "registry"])
        #expect(configuration.storage.root == "/var/lib/registry")
        #expect(configuration.storage.allowsDeletion && !configuration.storage.isReadOnly)
        #expect(configuration.storage.purging == nil)
        #expect(configuration.http.address == .tcp(host: "", port: 5000))
        #expect(configuration.http.secret == "asecretforlocaldevelopment")
        #expect(configuration.http.headers.map(\.name) == ["X-Content-Type-Options"])
        #expect(configuration.http.headers.map(\.values) == [["nosniff"]])
        #expect(configuration.health.checksStorage && configuration.health.storageThreshold == 3)
    }

    @Test func connectionsAndProxiesAreRead() throws {
        let (configuration, warnings) = try readConfiguration(
            """
            version: 0.1
            storage: filesystem
            http:
              addr: ':1'
              connections: {max: 300}
              trustedproxies: [192.0.2.0/24, 203.0.113.7, '2001:db8::1']
            """, environment: ["REGISTRY_HTTP_CONNECTIONS_MAXPERCLIENT": "20"])
        #expect(warnings == [])
        #expect(configuration.http.connections.most == 300 && configuration.http.connections.mostOfClient == 20)
        #expect(configuration.http.trustedProxies == ["192.0.2.0/24", "203.0.113.7/32", "2001:db8::1/128"])
        let empty = try readConfiguration(goodConfiguration, environment: ["REGISTRY_HTTP_TRUSTEDPROXIES": "[]"])
        #expect(empty.configuration.http.trustedProxies == [])
    }

    @Test func whatIsAbsentHasTheDefaults() throws {
        let (configuration, warnings) = try readConfiguration("version: 0.1\nstorage: filesystem\nhttp: {addr: ':1'}\n")
        #expect(warnings == [])
        #expect(configuration.storage.root == "/var/lib/registry" && !configuration.storage.allowsDeletion)
        #expect(configuration.storage.purging == ServerConfiguration.Purging())
        #expect(configuration.log.level == .info && configuration.log.formatter == .text)
        #expect(configuration.log.hasAccessLog)
        #expect(configuration.http.connections.most == 8192 && configuration.http.connections.mostOfClient == 4096)
        #expect(configuration.http.prefix == "/" && configuration.http.tls == nil && configuration.http.host == nil)
        #expect(configuration.catalogLimit == 1000 && configuration.proxy == nil)
        #expect(!configuration.validation.restrictsURLs)
        if case .open = configuration.access {} else { Issue.record("\(configuration.access)") }
    }

    @Test func everyKeyIsRead() throws {
        let (c, warnings) = try readConfiguration(
            """
            version: "0.1"
            log: {level: DEBUG, formatter: json, fields: {a: 1, b: true}, accesslog: {disabled: yes}}
            storage:
              filesystem: {rootdirectory: /srv, maxthreads: 100}
              redirect: {disable: true}
              tag: {concurrencylimit: 8}
              cache: {blobdescriptor: inmemory, blobdescriptorsize: 10000}
              maintenance:
                uploadpurging: {enabled: true, age: 1h30m, interval: 10m, dryrun: true}
                readonly: {enabled: on}
            auth:
              token:
                realm: https://auth.example/token
                service: reg
                issuer: iss
                rootcertbundle: /bundle
                jwks: /keys
                autoredirect: true
                autoredirectpath: /to
                signingalgorithms: [ES256, EdDSA]
            http:
              addr: "[::1]:5001"
              host: https://reg.example:8443/
              prefix: /registry/
              relativeurls: true
              draintimeout: 60s
              headers: {One: x, Two: [a, b]}
              tls:
                certificate: /c
                key: /k
                clientcas: [/ca1, /ca2]
                clientauth: verify-client-cert-if-given
                minimumtls: tls1.3
                ciphersuites: [TLS_AES_128_GCM_SHA256]
              debug: {addr: "localhost:5002", prometheus: {enabled: true, path: /m}}
              http2: {disabled: false}
              h2c: {enabled: false}
            health:
              storagedriver: {enabled: false, interval: 20s, threshold: 5}
              file: [{file: /f, interval: 1s}]
              http: [{uri: "http://h/x", statuscode: 204, headers: {A: [b, c]}, timeout: 2s, threshold: 4}]
              tcp: [{addr: "h:1", timeout: 3s}]
            validation:
              disabled: true
              manifests:
                urls: {allow: ["^https://a/"], deny: [b]}
                indexes: {platforms: list, platformlist: [{architecture: amd64, os: linux}]}
            notifications:
              events: {includereferences: true}
              endpoints:
                - {name: n, url: "https://n/", headers: {Authorization: [Bearer]}, timeout: 2s, threshold: 3, backoff: 4s,
                   ignoredmediatypes: [a/b], ignore: {mediatypes: [c/d], actions: [pull]}}
                - {disabled: true}
            catalog: {maxentries: 50}
            tags: {maxtags: 60}
            proxy: {remoteurl: "https://up/a/b/", username: u, password: p, ttl: 0, checkinterval: 5m,
                    internalredirects: true}
            """)
        #expect(warnings == [])
        #expect(c.log.level == .debug && c.log.formatter == .json && !c.log.hasAccessLog)
        #expect(c.log.fields == ["a": "1", "b": "true"])
        let purging = try #require(c.storage.purging)
        #expect(purging.age == .seconds(5400) && purging.interval == .seconds(600) && purging.isDryRun)
        #expect(c.storage.isReadOnly && c.storage.root == "/srv")
        guard case .token(let token) = c.access else {
            Issue.record("\(c.access)")
            return
        }
        #expect(token.realm == "https://auth.example/token" && token.service == "reg" && token.issuer == "iss")
        #expect(token.rootCertificates == "/bundle" && token.keySet == "/keys")
        #expect(token.redirectsAutomatically && token.redirectPath == "/to")
        #expect(token.signingAlgorithms == ["ES256", "EdDSA"])
        #expect(c.http.address == .tcp(host: "::1", port: 5001) && c.http.prefix == "/registry/")
        #expect(
            c.http.host == "https://reg.example:8443" && c.http.hasRelativeURLs && c.http.drainTimeout == .seconds(60))
        #expect(c.http.headers.map(\.values) == [["x"], ["a", "b"]])
        let tls = try #require(c.http.tls)
        #expect(tls.certificate == "/c" && tls.key == "/k" && tls.clientAuthorities == ["/ca1", "/ca2"])
        #expect(tls.clientAuthentication == .verifyClientCertIfGiven && tls.minimumVersion == .tls13)
        #expect(tls.cipherSuites == ["TLS_AES_128_GCM_SHA256"])
        #expect(c.http.debugAddress == .tcp(host: "localhost", port: 5002) && c.http.metricsPath == "/m")
        #expect(!c.health.checksStorage && c.health.storageInterval == .seconds(20) && c.health.storageThreshold == 5)
        #expect(c.health.checks.map(\.interval) == [.seconds(1), .seconds(10), .seconds(10)])
        #expect(c.health.checks.map(\.threshold) == [1, 4, 1])
        guard case .http(let url, 204, let headers, .seconds(2)) = c.health.checks[1].target else {
            Issue.record("\(c.health.checks[1])")
            return
        }
        #expect(url == "http://h/x" && headers.map(\.name) == ["A", "A"] && headers.map(\.value) == ["b", "c"])
        #expect(
            c.validation.isDisabled && c.validation.allowedURLs.map(\.description) == ["^https://a/"]
                && c.validation.deniedURLs.map(\.description) == ["b"])
        #expect(c.validation.indexPlatforms == .list([("amd64", "linux")]))
        #expect(c.notifications.includesReferences && c.notifications.endpoints.count == 1)
        let endpoint = c.notifications.endpoints[0]
        #expect(endpoint.name == "n" && endpoint.url == "https://n/" && endpoint.headers.map(\.values) == [["Bearer"]])
        #expect(endpoint.timeout == .seconds(2) && endpoint.threshold == 3 && endpoint.backoff == .seconds(4))
        #expect(endpoint.ignoredMediaTypes == ["a/b", "c/d"] && endpoint.ignoredActions == ["pull"])
        #expect(c.catalogLimit == 50 && c.tagsLimit == 60)
        #expect(c.proxy?.url == "https://up/a/b/" && c.proxy?.username == "u" && c.proxy?.password == "p")
        #expect(c.proxy?.lifetime == .zero && c.proxy?.checkInterval == .seconds(300))
        #expect(c.proxy?.allowsInternalRedirects == true)
        #expect(c.proxy?.credentialCommand == nil)
    }

    @Test(
        arguments: [("", nil), (", lifetime: 0", .zero), (", lifetime: 12h", .seconds(12 * 3600))]
            as [(String, Duration?)])
    func credentialCommands(_ more: String, _ lifetime: Duration?) throws {
        let proxy = try readConfiguration(
            goodConfiguration + "proxy: {remoteurl: 'https://up', exec: {command: docker-credential-x\(more)}}\n"
        ).configuration.proxy
        #expect(proxy?.credentialCommand?.program == "docker-credential-x")
        #expect(proxy?.credentialCommand?.lifetime == lifetime)
        #expect(proxy?.lifetime == .seconds(168 * 3600) && proxy?.checkInterval == .seconds(60))
    }

    @Test(
        arguments: [
            (":5000", .tcp(host: "", port: 5000)), ("0.0.0.0:80", .tcp(host: "0.0.0.0", port: 80)),
            ("localhost:0", .tcp(host: "localhost", port: 0)), ("[::]:65535", .tcp(host: "::", port: 65535)),
            (":https", .tcp(host: "", port: 443)), ("", .tcp(host: "", port: 0)),
        ] as [(String, ServerConfiguration.HTTP.Address)])
    func addresses(_ text: String, _ expected: ServerConfiguration.HTTP.Address) throws {
        let text = "version: 0.1\nstorage: filesystem\nhttp: {addr: '\(text)'}\n"
        #expect(try readConfiguration(text).configuration.http.address == expected)
    }

    @Test func socketsInTheFileSystem() throws {
        let text = "version: 0.1\nstorage: filesystem\nhttp: {net: unix, addr: /run/r.sock}\n"
        #expect(try readConfiguration(text).configuration.http.address == .unix(path: "/run/r.sock"))
    }

    @Test(
        arguments: [
            ("https://reg.example", "https://reg.example"), ("http://r:5000/", "http://r:5000"),
            ("https://r/a/b/", "https://r/a/b"), ("https://r/a/b", "https://r/a"),
            ("https://[::1]:1", "https://[::1]:1"),
        ])
    func hosts(_ text: String, _ expected: String) throws {
        let text = "version: 0.1\nstorage: filesystem\nhttp: {addr: ':1', host: '\(text)'}\n"
        #expect(try readConfiguration(text).configuration.http.host == expected)
    }

    @Test func otherWaysToSignIn() throws {
        let htpasswd = try readConfiguration(goodConfiguration + "auth: {htpasswd: {realm: r, path: /p}}\n")
        guard case .htpasswd("r", "/p") = htpasswd.configuration.access else {
            Issue.record("\(htpasswd)")
            return
        }
        let silly = try readConfiguration(goodConfiguration + "auth: {silly: {realm: r, service: s}}\n")
        guard case .silly("r", "s") = silly.configuration.access else {
            Issue.record("\(silly)")
            return
        }
    }

    @Test func aListOfDeniedURLsAllowsAllOthers() throws {
        let text = goodConfiguration + "validation: {manifests: {urls: {deny: [x]}}}\n"
        let validation = try readConfiguration(text).configuration.validation
        #expect(validation.allowedURLs.isEmpty && validation.restrictsURLs)
        #expect(validation.allows(layerURL: "https://a/") && !validation.allows(layerURL: "https://x/"))
    }

    /// The documentation's own pattern, for which a matcher that goes back would take centuries.
    @Test func layerURLPatternsDoNotBacktrack() throws {
        let text =
            goodConfiguration + #"validation: {manifests: {urls: {allow: ['^https?://([^/]+\.)*example\.com/']}}}"#
        let validation = try readConfiguration(text + "\n").configuration.validation
        #expect(validation.allows(layerURL: "https://a.b.example.com/layer"))
        #expect(!validation.allows(layerURL: "https://" + String(repeating: "a.", count: 10_000) + "example.org/"))
        #expect(!validation.allows(layerURL: "ftp://example.com/"))
    }

    /// As for the original, which fills the second into the first.
    @Test func aSectionThatIsThereTwiceIsOne() throws {
        let (configuration, warnings) = try readConfiguration(
            "version: 0.1\nstorage: filesystem\nhttp: {addr: ':1', secret: a}\nhttp:\n  secret: b\n")
        #expect(configuration.http.address == .tcp(host: "", port: 1) && configuration.http.secret == "b")
        #expect(
            warnings == [
                "c.yml:4: http: is there twice: this is added to what line 3 says",
                "c.yml:5: http.secret: is there twice: what line 3 says does not count",
            ])
    }

    @Test func anOldLevelGivesWay() throws {
        #expect(try readConfiguration(goodConfiguration + "loglevel: warn\n").configuration.log.level == .warn)
        let both = goodConfiguration + "loglevel: warn\nlog: {level: error}\n"
        #expect(try readConfiguration(both).configuration.log.level == .error)
    }
}
