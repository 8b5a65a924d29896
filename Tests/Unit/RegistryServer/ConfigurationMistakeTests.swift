import ByteStreams
import ConfigurationFiles
import ImageModel
import RegistryServer
import Testing

struct ConfigurationMistakeTests {
    /// What follows three good lines, and what is said of line 4.
    @Test(
        arguments: [
            ("log: {level: trace}", "log.level: 'trace' is none of the choices: write one of error, warn, info, debug"),
            ("log: {formatter: xml}", "log.formatter: 'xml' is none of the choices: write one of text, json, logstash"),
            ("log: loud", "log: is a single value where keys belong, each with a value: 'key: value'"),
            ("log: {fields: [a]}", "log.fields: is a list where keys belong, each with a value: 'key: value'"),
            ("log: {fields: {a: {b: c}}}", "log.fields: is a mapping of keys where a single value belongs"),
            ("catalog: {maxentries: -5}", "catalog.maxentries: '-5' is no whole number from 0 to 2147483647"),
            (
                "auth: {htpasswd: {path: /p}}",
                "auth.htpasswd.realm: is missing: write what browsers are to show, such as basic-realm"
            ),
            (
                "auth: {silly: {realm: r, service: s}, token: {}}",
                "auth.token: is one too many of silly, token: keep one, for there is one way to sign in"
            ),
            ("auth: {ldap: {url: x}}", "auth.ldap: there is no such way to sign in: write htpasswd or token"),
            (
                "auth: {token: {realm: 'https://a', service: s, issuer: i}}",
                "auth.token.rootcertbundle: is missing: "
                    + "write the path of the certificates that tokens are signed with, or of a key set as jwks"
            ),
            (
                "auth: {token: {realm: a, service: s, issuer: i, jwks: /k}}",
                "auth.token.realm: 'a' is no URL: write it with its scheme, such as https://host.example"
            ),
            (
                "health: {storagedriver: {interval: 10}}",
                "health.storagedriver.interval: '10' has no unit and is taken for nanoseconds; "
                    + "write 10s if seconds are meant"
            ),
            (
                "health: {storagedriver: {interval: -10s}}",
                "health.storagedriver.interval: '-10s' is no duration: write one such as 168h, 1h30m, 10s or 500ms"
            ),
            (
                "health: {tcp: [{addr: redis}]}",
                "health.tcp[0].addr: 'redis' is no address: write HOST:PORT, such as 10.0.0.5:6379; "
                    + "an IPv6 address goes in brackets"
            ),
            (
                "health: {file: {file: /x}}",
                "health.file: is a mapping of keys where a list belongs: begin each with '- '"
            ),
            (
                "health: {file: [/x]}",
                "health.file[0]: is a single value where keys belong, each with a value: 'key: value'"
            ),
            ("validation: {disabled: maybe}", "validation.disabled: 'maybe' is no boolean: write true or false"),
            (
                "notifications: {endpoints: [{name: n}]}",
                "notifications.endpoints[0].url: is missing: write where events are to go"
            ),
            (
                "notifications: {endpoints: [{url: 'u:p@h'}]}",
                "notifications.endpoints[0].url: '***@h' is no URL: write it with its scheme, such as https://host.example"
            ),
            (
                "proxy: {remoteurl: 'ftp://user:word@up'}",
                "proxy.remoteurl: 'ftp://***@up' is no URL: write it with its scheme, such as https://host.example"
            ),
            (
                "proxy: {remoteurl: 'https://user:word@up'}",
                "proxy.remoteurl: holds a user name: write proxy.username and proxy.password instead"
            ),
            (
                "proxy: {remoteurl: 'https://up/path?a=b'}",
                "proxy.remoteurl: 'https://up/path?***' has a query or fragment: remove it"
            ),
            (
                "proxy: {remoteurl: 'https://up', exec: {lifetime: 1h}}",
                "proxy.exec.command: is missing: write the name or path of a credential helper"
            ),
        ])
    func areSaidWithTheirLine(_ text: String, _ expected: String) throws {
        var found = mistakes(goodConfiguration + text + "\n")
        if found.isEmpty { found = try readConfiguration(goodConfiguration + text + "\n").warnings }
        #expect(found.contains("c.yml:4: \(expected)"), "\(found)")
    }

    @Test(
        arguments: [
            (
                "addr: 5000",
                "addr: '5000' is no address: write HOST:PORT, such as :5000; an IPv6 address goes in brackets"
            ),
            ("addr: ::1:5000", "addr: '::1:5000' is no address: write HOST:PORT"),
            ("addr: ':70000'", "addr: ':70000' is no address"),
            ("addr: http://h:1", "addr: 'http://h:1' is no address"),
            ("net: tcp6", "net: 'tcp6' is none of the choices: write one of tcp, unix"),
            (
                "host: reg.example",
                "host: 'reg.example' is no place that clients could be sent to: "
                    + "write it with its scheme, such as https://reg.example"
            ),
            ("prefix: '/a b/'", "prefix: '/a b/' is no path that URLs could begin with"),
            (
                "trustedproxies: [10.0.0.0/33]",
                "trustedproxies: '10.0.0.0/33' is neither an address nor a network such as 10.0.0.0/8"
            ),
            ("trustedproxies: [127.0.0.1, nginx]", "trustedproxies: 'nginx' is neither an address nor a network"),
            ("connections: {max: few}", "connections.max: 'few' is no whole number"),
            ("draintimeout: soon", "draintimeout: 'soon' is no duration"),
            ("headers: {'A B': [x]}", "headers: 'A B' is no name of an HTTP header"),
            ("headers: {A: \"x\\r\\nSet-Cookie: y\"}", "headers: holds a line break or another control character"),
            ("headers: {A: {b: c}}", "headers: is a mapping of keys where a list belongs"),
            ("tls: {certificate: /c}", "tls.key: is missing: write the path of the PEM file"),
            ("tls: {key: /k}", "tls.certificate: is missing: write the path of the PEM file"),
            (
                "tls: {certificate: /c, key: /k, minimumtls: tls9}",
                "tls.minimumtls: 'tls9' is none of the choices: write one of tls1.0, tls1.1, tls1.2, tls1.3"
            ),
            (
                "tls: {certificate: /c, key: /k, ciphersuites: [TLS_RSA_WITH_RC4_128_SHA]}",
                "tls.ciphersuites: 'TLS_RSA_WITH_RC4_128_SHA' is no cipher suite that there is: "
                    + "write some of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_"
            ),
            (
                "tls: {letsencrypt: {cachefile: /c, email: e}}",
                "tls.letsencrypt: dray gets no certificates: "
                    + "have certbot get one, and write its files as http.tls.certificate and http.tls.key"
            ),
        ])
    func ofHTTP(_ text: String, _ expected: String) {
        let found = mistakes("version: 0.1\nstorage: filesystem\nhttp:\n  \(text)\n")
        #expect(found.contains { $0.hasPrefix("c.yml:4: http.\(expected)") }, "\(found)")
    }

    @Test(
        arguments: [
            (
                "",
                "c.yml:2: storage.filesystem: is missing: write storage: filesystem: rootdirectory: DIRECTORY"
            ),
            (
                "  s3: {bucket: b, secretkey: hush}",
                "c.yml:3: storage.s3.accesskey: goes with secretkey; write both, or none to use the environment's"
            ),
            ("  s3: {region: x}", "c.yml:3: storage.s3.bucket: is missing: write the name of the bucket"),
            ("  s3: {bucket: b, v4auth: false}", "c.yml:3: storage.s3.v4auth: signatures of version 2"),
            ("  s3: {bucket: b, chunksize: 1000}", "c.yml:3: storage.s3.chunksize: '1000' is no whole number from"),
            ("  s3: {bucket: b, rootdirectory: a/../b}", "c.yml:3: storage.s3.rootdirectory: 'a/../b' has"),
            ("  s3: {bucket: b, redirectendpoint: cdn}", "c.yml:3: storage.s3.redirectendpoint: 'cdn' is no URL"),
            ("  s3: {bucket: b}\n  filesystem:", "c.yml:3: storage.s3: is one too many beside filesystem"),
            ("  s3: {bucket: b, bukket: c}", "c.yml:3: storage.s3.bukket:"),
            ("  filesystem:\n  inmemory:", "c.yml:4: storage.inmemory: there is no such storage here"),
            ("  filesystem:\n    maxthreads: abc", "c.yml:4: storage.filesystem.maxthreads: 'abc' is no whole number"),
            ("  filesystem:\n  delete: true", "c.yml:4: storage.delete: is a single value where keys belong"),
            (
                "  filesystem:\n  delete:\n    enabled: maybe",
                "c.yml:5: storage.delete.enabled: 'maybe' is no boolean: write true or false"
            ),
            (
                "  filesystem:\n  maintenance: {readonly: true}",
                "c.yml:4: storage.maintenance.readonly: is a single value"
            ),
            (
                "  filesystem:\n  maintenance:\n    uploadpurging:\n      age: 7d",
                "c.yml:6: storage.maintenance.uploadpurging.age: '7d' is no duration"
            ),
            (
                "  filesystem: {rootdirectory: \"/a\\0b\"}",
                "c.yml:3: storage.filesystem.rootdirectory: holds a line break"
            ),
        ])
    func ofStorage(_ text: String, _ expected: String) {
        let found = mistakes("version: 0.1\nstorage:\n\(text)\nhttp: {addr: ':1'}\n")
        #expect(found.count == 1 && found[0].hasPrefix(expected), "\(found)")
    }

    @Test func allAreSaidAtOnceAndInOrder() {
        let text = "storage: {}\nhttp:\n  addr: x\n  draintimeout: y\nlog:\n  level: z\nversion: 0.2\n"
        #expect(
            mistakes(text, environment: ["REGISTRY_HTTP_PREFIX": "a?b"]).map { $0.prefix { $0 != "'" } } == [
                "c.yml:1: storage.filesystem: is missing: write storage: filesystem: rootdirectory: DIRECTORY, or storage: s3: with bucket and "
                    + "region",
                "c.yml:3: http.addr: ", "c.yml:4: http.draintimeout: ", "c.yml:6: log.level: ", "c.yml:7: version: ",
                "REGISTRY_HTTP_PREFIX: http.prefix: ",
            ])
    }

    @Test(
        arguments: [
            ("", "c.yml: is empty: begin it with 'version: 0.1'"),
            ("- a\n", "c.yml:1: is a list where keys belong, each with a value: 'key: value'"),
            ("storage: filesystem\n", "c.yml:1: version: is missing: write 'version: 0.1'"),
            (
                "version: 0.2\nstorage: filesystem\n",
                "c.yml:1: version: '0.2' is no version that is understood: write 'version: 0.1'"
            ),
            ("version: 0.1\na: b: c\n", "c.yml:2:5: mapping values are not allowed in this context"),
        ])
    func ofTheFileAsAWhole(_ text: String, _ expected: String) {
        #expect(mistakes(text).first == expected)
    }

    @Test func aFileThatIsNotThere() {
        let error = #expect(throws: ImageError.self) {
            try ServerConfiguration.read(path: "/nowhere/c.yml", environment: [:])
        }
        #expect(error?.description == "/nowhere/c.yml: there is no such file: name a config.yml")
        #expect(throws: ImageError.self) { try ServerConfiguration.read(path: "/", environment: [:]) }
    }

    /// What follows three good lines, and the warning about it.
    @Test(
        arguments: [
            ("healt: {}", "healt: is no key that dray knows, and does nothing; is 'health' meant?"),
            ("bogus: {a: b}", "bogus: is no key that dray knows, and does nothing"),
            ("redis: {addr: x}", "redis: does nothing here: dray keeps nothing in Redis and needs no cache there"),
            ("log: {hooks: [{type: mail}]}", "log.hooks: does nothing here: dray sends no mail; errors are in its log"),
            (
                "middleware: {storage: [{name: cloudfront}]}",
                "middleware: does nothing here: dray has no middleware; what it was to do is not done"
            ),
            (
                "validation: {disabled: \"true\"}",
                "validation.disabled: is text, being in quotes, and is taken for true; write true without quotes"
            ),
            (
                "auth: {token: {realm: 'https://a', service: s, issuer: i, jwks: /k, signingalgorithms: [HS256, EdDSA]}}",
                "auth.token.signingalgorithms: algorithms with a shared secret (HS...) are not taken; the others are"
            ),
            ("validation: {enabled: false}", "validation.enabled: does not switch it off: write disabled: true"),
            ("proxy: {username: u}", "proxy.remoteurl: is missing: nothing is fetched from another registry"),
            (
                "proxy: {remoteurl: 'https://h', username: u, password: p, exec: {command: c}}",
                "proxy.exec: is used instead of username and password: remove one or the other"
            ),
            (
                "proxy: {remoteurl: 'https://h', password: p}",
                "proxy.password: is ignored on its own: write both username and password, or neither"
            ),
            (
                "proxy: {remoteurl: 'https://h', cachewritetimeout: 5m}",
                "proxy.cachewritetimeout: does nothing here: a blob is stored while it arrives, without a time limit"
            ),
        ])
    func oddThingsAreWarnedOf(_ text: String, _ expected: String) throws {
        #expect(try readConfiguration(goodConfiguration + text + "\n").warnings == ["c.yml:4: \(expected)"])
    }

    /// A protection that is asked for and cannot be given, and what is said of line 4.
    @Test(
        arguments: [
            ("auth:", "auth: is empty"), ("auth: {}", "auth: is empty"), ("auth: null", "auth: is empty"),
            ("auth: ~", "auth: is empty"), ("auth: ''", "auth: is empty"), ("auth: []", "auth: is empty"),
            ("auth: htpasswd", "auth.htpasswd.realm: is missing"), ("auth: false", "auth.false: there is no such way"),
            ("auth: {htpasswd: {realm: r, path: }}", "auth.htpasswd.path: is missing"),
            ("auth: {htpasswd: {realm: r, path: /p, pth: x}}", "auth.htpasswd.pth: is no key"),
            ("Auth: {htpasswd: {realm: r, path: /p}}", "Auth: keys are written in lower case: auth"),
            (
                "auht: {htpasswd: {realm: r, path: /p}}",
                "auht: is no key that dray knows, and does nothing; is 'auth' meant?"
            ),
            (
                "auth: {token: {realm: 'https://a', service: s, issuer: i, rootcertbundle: '', jwks: }}",
                "auth.token.rootcertbundle: is missing"
            ),
            (
                "auth: {token: {realm: 'https://a', service: s, issuer: i, jwks: /k, signingalgorithms: []}}",
                "auth.token.signingalgorithms: is empty"
            ),
            (
                "auth: {token: {realm: 'https://a', service: s, issuer: i, jwks: /k, signingalgorithm: [EdDSA]}}",
                "auth.token.signingalgorithm: is no key"
            ),
            (
                "auth: {token: {realm: 'https://u:hush@a', service: s, issuer: i, jwks: /k}}",
                "auth.token.realm: 'https://***@a' holds a user name"
            ),
            ("policy: {repository: {classes: [image]}}", "policy: cannot be honoured"),
            ("validation: {manifests: {urls: {allow: }}}", "validation.manifests.urls.allow: is empty"),
            ("validation: {manifests: {urls: {allowed: [a]}}}", "validation.manifests.urls.allowed: is no key"),
        ])
    func protectionsThatCannotBeGivenAreMistakes(_ text: String, _ expected: String) {
        let found = mistakes(goodConfiguration + text + "\n")
        #expect(found.contains { $0.hasPrefix("c.yml:4: \(expected)") }, "\(found)")
    }

    /// Of `http.tls`, and of `storage.maintenance`.
    @Test(
        arguments: [
            ("http: {tls: }", "http.tls: is empty"), ("http: {tls: {}}", "http.tls: is empty"),
            ("http: {TLS: {certificate: /c, key: /k}}", "http.TLS: keys are written in lower case: tls"),
            ("http: {tls: {certificate: , key: }}", "http.tls.certificate: is missing"),
            ("http: {tls: {certificate: , minimumtls: tls1.2}}", "http.tls.certificate: is missing"),
            ("http: {tls: {clientauth: require-any-client-cert}}", "http.tls.certificate: is missing"),
            ("http: {tls: {clientcas: [/ca]}}", "http.tls.certificate: is missing"),
            ("http: {tls: {certificate: /c, key: /k, clientcas: }}", "http.tls.clientcas: is empty"),
            ("http: {tls: {certificate: /c, key: /k, clientcas: []}}", "http.tls.clientcas: is empty"),
            ("http: {tls: {certificate: /c, key: /k, clientcas: ['']}}", "http.tls.clientcas: has an empty entry"),
            (
                "http: {tls: {certificate: /c, key: /k, clientCAs: [/ca]}}",
                "http.tls.clientCAs: keys are written in lower case: clientcas"
            ),
            ("http: {tls: {certificate: /c, key: /k, verify: true}}", "http.tls.verify: is no key"),
            ("http: {tls: {certificate: /c, key: /k, clientauth: }}", "http.tls.clientauth: is empty"),
            (
                "http: {tls: {certificate: /c, key: /k, clientauth: yes}}",
                "http.tls.clientauth: 'yes' is none of the choices"
            ),
            ("http: {tls: {certificate: /c, key: /k, minimumtls: }}", "http.tls.minimumtls: is empty"),
            ("http: {tls: {certificate: /c, key: /k, ciphersuites: []}}", "http.tls.ciphersuites: is empty"),
            ("storage: {filesystem: , maintenance: {readonly: }}", "storage.maintenance.readonly: is empty"),
            (
                "storage: {filesystem: , maintenance: {readonly: {enabled: }}}",
                "storage.maintenance.readonly.enabled: is empty"
            ),
            (
                "storage: {filesystem: , maintenance: {readonly: {enable: true}}}",
                "storage.maintenance.readonly.enable: is no key"
            ),
        ])
    func protectionsOfHTTPAndStorage(_ text: String, _ expected: String) {
        let found = mistakes("version: 0.1\nlog: {level: info}\n\(text)\n")
        #expect(found.contains { $0.hasPrefix("c.yml:3: \(expected)") }, "\(found)")
    }

    @Test(arguments: ServerConfiguration.TLS.ClientAuthentication.allCases)
    func clientAuthenticationNeedsAuthorities(_ kind: ServerConfiguration.TLS.ClientAuthentication) throws {
        let tls = "certificate: /c, key: /k, clientauth: \(kind.rawValue)"
        let base = "version: 0.1\nstorage: filesystem\n"
        let found = mistakes(base + "http: {addr: ':1', tls: {\(tls)}}\n")
        #expect(found.count == 1 && found[0].hasPrefix("c.yml:3: http.tls.clientauth: has no clientcas"), "\(found)")
        let good = try readConfiguration(base + "http: {addr: ':1', tls: {\(tls), clientcas: [/ca]}}\n").configuration
        #expect(good.http.tls?.clientAuthentication == kind && good.http.tls?.clientAuthorities == ["/ca"])
    }

    @Test func keysInCapitalsAreNamedAndNothingElse() {
        let text = "Version: 0.1\nStorage: {Filesystem: {rootDirectory: /srv}}\nhttp: {Addr: ':1'}\n"
        let expected = [
            ("1: Version", "version"), ("2: Storage", "storage"), ("2: storage.Filesystem", "filesystem"),
            (
                "2: storage.filesystem.rootDirectory", "rootdirectory"
            ), ("3: http.Addr", "addr"),
        ]
        #expect(mistakes(text) == expected.map { "c.yml:\($0.0): keys are written in lower case: \($0.1)" })
    }

    @Test(arguments: [
        (#"'~/registry'"#, "'~' is not expanded here"), (#"'$HOME/registry'"#, "variables are not expanded here"),
        (#"'"/srv"'"#, "it begins with a quote character"),
        ("\u{201c}/srv\u{201d}", "it begins with a quote character"),
        (#"'C:\registry'"#, "paths of Windows"), ("c:/registry", "paths of Windows"),
        (#"'\\host\share'"#, "paths of Windows"), (#"'.\registry'"#, "paths of Windows"),
    ])
    func directoriesThatOnlyAShellUnderstands(_ path: String, _ expected: String) {
        let found = mistakes("version: 0.1\nstorage: {filesystem: {rootdirectory: \(path)}}\nhttp: {addr: ':1'}\n")
        #expect(found.count == 1, "\(found)")
        for text in ["c.yml:2: storage.filesystem.rootdirectory: ", expected, "write the path from the root"] {
            #expect(found.first?.contains(text) == true, "\(found)")
        }
    }

    @Test(arguments: ["/srv", "srv", "./srv", "../srv", "a~b", "/srv/$x", "c:d"])
    func otherDirectoriesAreTakenAsTheyAre(_ path: String) throws {
        let text = "version: 0.1\nstorage: {filesystem: {rootdirectory: '\(path)'}}\nhttp: {addr: ':1'}\n"
        #expect(try readConfiguration(text).configuration.storage.root == path)
    }

    @Test(arguments: ["none", "{none: }", "{none: {}}"]) func everybodyIsLetInOnRequest(_ text: String) throws {
        let read = try readConfiguration(goodConfiguration + "auth: \(text)\n")
        if case .open = read.configuration.access {} else { Issue.record("\(read.configuration.access)") }
        #expect(read.warnings == [])
    }

    @Test(arguments: [
        ("REGISTRY_AUTH", "", "auth: is empty"), ("REGISTRY_AUTH", "null", "auth: is empty"),
        ("REGISTRY_AUTH", "{}", "auth: is empty"),
        ("REGISTRY_AUTH_HTPASSWD_PATH", "", "auth.htpasswd.path: is missing"),
        ("REGISTRY_HTTP_TLS", "", "http.tls: is empty"),
        ("REGISTRY_HTTP_TLS_CLIENTCAS", "", "http.tls.clientcas: is empty"),
        ("REGISTRY_HTTP_TLS_CLIENTCA", "/ca", "http.tls.clientca: is no key"),
        ("REGISTRY_HTTP_TLS_MINIMUMTLS", "", "http.tls.minimumtls: is empty"),
        ("REGISTRY_HTTP_TLS_CERTIFICATE", "", "http.tls.certificate: is missing"),
        ("REGISTRY_STORAGE_MAINTENANCE_READONLY", "", "storage.maintenance.readonly: is empty"),
    ])
    func protectionsThatAVariableTakesAway(_ name: String, _ value: String, _ expected: String) {
        let text = """
            version: 0.1
            storage: {filesystem: {rootdirectory: /srv}, maintenance: {readonly: {enabled: true}}}
            http: {addr: ':1', tls: {certificate: /c, key: /k, minimumtls: tls1.3}}
            auth: {htpasswd: {realm: r, path: /p}}
            """
        #expect(mistakes(text) == [])
        let found = mistakes(text, environment: [name: value])
        #expect(found.contains { $0.contains(": \(expected)") }, "\(found)")
    }

    /// A user name and password of an endpoint become a header, before which one of the configuration counts.
    @Test func accountsOfURLsBecomeHeaders() throws {
        let text = """
            notifications:
              endpoints:
                - {name: 'https://u:hush@h/', url: 'https://us%65r:p%40ss@h/x?y'}
                - {url: 'https://u:hush@h', headers: {authorization: [Bearer x]}}
            health: {http: [{uri: 'http://u@h:81/'}]}
            """
        let read = try readConfiguration(goodConfiguration + text + "\n").configuration
        let endpoints = read.notifications.endpoints
        #expect(endpoints.map(\.url) == ["https://h/x?y", "https://h"] && endpoints[0].name == "https://***@h/")
        #expect(endpoints[0].headers.map(\.values) == [["Basic dXNlcjpwQHNz"]])
        #expect(endpoints[1].headers.map(\.values) == [["Bearer x"]])
        guard case .http("http://h:81/", _, let headers, _) = read.health.checks.first?.target else {
            Issue.record("\(read.health.checks)")
            return
        }
        #expect(headers.map(\.value) == ["Basic dTo="])
    }

    @Test(arguments: [
        "redis:", "redis: {tls: {enabled: false}}", "log: {hooks: []}", "http: {h2c: {enabled: false}}", "policy: {}",
        "health:",
        "storage: {filesystem: , cache: {layerinfo: inmemory}}",
    ])
    func whatSaysNothingIsPassedOver(_ text: String) throws {
        let base = "version: 0.1\nstorage: &s {filesystem: }\nhttp: {addr: ':5000'}\n"
        let warnings = try readConfiguration(base + text + "\n").warnings
        #expect(warnings.filter { !$0.contains("is there twice") } == [])
    }

    @Test(
        arguments: [
            ("prefix: reg", "/reg/", "prefix: 'reg' is taken for '/reg/'"), ("prefix: /", "/", nil),
            ("prefix: /a//b/", "/a/b/", "prefix: '/a//b/' is taken for '/a/b/'"),
            (
                "h2c: {enabled: true}", "/",
                "h2c: does nothing here: dray speaks HTTP/1.1, as proxies like nginx do to what is behind them"
            ),
            (
                "debug: {prometheus: {enabled: true}}", "/",
                "debug.addr: is missing, and with it the place of Prometheus' metrics"
            ),
        ] as [(String, String, String?)])
    func oddThingsOfHTTP(_ text: String, _ prefix: String, _ expected: String?) throws {
        let (configuration, warnings) = try readConfiguration(
            "version: 0.1\nstorage: filesystem\nhttp:\n  addr: :1\n  \(text)\n")
        #expect(configuration.http.prefix == prefix)
        #expect(warnings == (expected.map { ["c.yml:5: http.\($0)"] } ?? []))
    }

    @Test func noAddressIsWarnedOf() throws {
        let warnings = try readConfiguration("version: 0.1\nstorage: filesystem\n").warnings
        #expect(warnings.count == 1 && warnings[0].hasPrefix("c.yml:1: http.addr: is missing: any free port"))
    }

    @Test func secretsAreNeverSaid() {
        let text = """
            version: 0.3
            storage: {s3: {accesskey: hush}}
            http: {secret: {hush: hush}, headers: {A: {hush: 1}}, addr: x}
            proxy: {remoteurl: "nix://u:hush@h", password: [hush], username: {hush: }}
            notifications: {endpoints: [{url: "x://u:hush@h", headers: {Authorization: {hush: 1}}}, hush]}
            """
        let found = mistakes(
            text,
            environment: [
                "REGISTRY_PROXY_PASSWORD": "{hush: ", "REGISTRY_HTTP_TLS": "hush", "REGISTRY_AUTH_TOKEN": "[hush]",
            ])
        #expect(found.count >= 10)
        #expect(!found.contains { $0.contains("hush") }, "\(found)")
    }
}
