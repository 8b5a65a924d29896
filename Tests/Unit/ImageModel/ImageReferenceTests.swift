import ImageModel
import Testing

struct ImageReferenceTests {
    private static let hex = String(repeating: "a", count: 64)

    private func parse(_ text: String, existing: Set<String> = []) throws -> ImageReference {
        try ImageReference(text, exists: existing.contains, recognise: { $0.hasSuffix(".tar") ? .dockerArchive : nil })
    }

    @Test(
        arguments: [
            ("docker-archive:a.tar", .dockerArchive, "a.tar", nil),
            ("docker-archive:-:n:t", .dockerArchive, "-", "n:t"),
            ("oci:dir:1.0", .oci, "dir", "1.0"), ("store:/r:host:5000/x:y", .store, "/r", "host:5000/x:y"),
            ("store:a\\:b:c", .store, "a:b", "c"), ("dir:d", .directory, "d", nil),
        ] as [(String, ImageReference.Transport, String, String?)])
    func splits(_ text: String, _ transport: ImageReference.Transport, _ location: String, _ name: String?) throws {
        #expect(try parse(text) == ImageReference(transport: transport, location: location, name: name))
        #expect(try parse(text).description == text)
    }

    @Test(
        arguments: [
            ("docker://reg:5000/a/b:1", "reg:5000", "a/b:1"), ("docker://reg.example/a", "reg.example", "a"),
            ("docker://localhost/a:1", "localhost", "a:1"), ("docker://[::1]:5000/a", "[::1]:5000", "a"),
            ("docker://registry:5000/", "registry:5000", nil), ("docker://reg.example", "reg.example", nil),
            ("docker://127.0.0.1:5000", "127.0.0.1:5000", nil),
            ("docker://alpine:3.10", "docker.io", "library/alpine:3.10"),
            ("docker://team/app", "docker.io", "team/app"),
            ("docker://index.docker.io/alpine", "docker.io", "library/alpine"),
        ] as [(String, String, String?)])
    func registries(_ text: String, _ host: String, _ name: String?) throws {
        #expect(try parse(text) == ImageReference(transport: .registry, location: host, name: name))
    }

    /// As Helm, Flux and ORAS write a registry.
    @Test(
        arguments: [
            ("oci://ghcr.io/team/chart:1.2", "ghcr.io", "team/chart:1.2"),
            ("oci://reg:5000/chart", "reg:5000", "chart"),
            ("oci://localhost/a/b", "localhost", "a/b"), ("oci://[::1]:5000/a:1", "[::1]:5000", "a:1"),
            ("oci://registry-1.docker.io/bitnamicharts/redis", "docker.io", "bitnamicharts/redis"),
            ("oci://127.0.0.1:5000", "127.0.0.1:5000", nil),
        ] as [(String, String, String?)])
    func registriesByTheirOtherScheme(_ text: String, _ host: String, _ name: String?) throws {
        let reference = try parse(text)
        #expect(reference == ImageReference(transport: .registry, location: host, name: name))
        #expect(reference.description.hasPrefix("docker://"))
        let digest = "@sha256:\(Self.hex)"
        if name != nil { #expect(try parse(text + digest).digest?.hex == Self.hex) }
    }

    @Test(arguments: [
        ("oci://", "oci://HOST"), ("oci://chart", "oci://HOST"),
        ("oci://team/chart", "oci://HOST"), ("https://ghcr.io/team/app:1", "docker://ghcr.io/team/app:1"),
        ("http://10.0.0.1:5000/app", "docker://10.0.0.1:5000/app"),
        ("docker.io/library/alpine:3", "docker://docker.io/library/alpine:3"),
        ("docker:alpine", "docker://alpine"), ("docker:/reg.example/a", "docker://reg.example/a"),
        ("docker-archiv:a.tar", "docker-archive:a.tar"), ("OCI:dir", "oci:dir"),
        ("registry.example", "docker://registry.example?"),
        ("docker-daemon:app:1", "docker save app:1 | dray copy docker-archive:- DESTINATION"),
        ("containers-storage:app:1", "podman save app:1"), ("team/app:1", "docker://team/app:1?"),
        ("https://reg.example/a.tar.gz", "curl"), ("docker-archive://a.tar", "docker-archive:a.tar?"),
    ])
    func whatIsToBeTypedInstead(_ text: String, _ advice: String) {
        let error = #expect(throws: ImageError.self) { try parse(text) }
        let words = error?.description ?? ""
        #expect(words.hasPrefix("'\(text)': ") && words.contains(advice), "\(words)")
    }

    /// What can mean one thing only is understood.
    @Test(
        arguments: [
            ("127.0.0.1:5013", "docker://127.0.0.1:5013"), ("localhost:5000/app:1", "docker://localhost:5000/app:1"),
            ("registry.example:5000/team/*", "docker://registry.example:5000/team/*"),
            ("[::1]:5000/app", "docker://[::1]:5000/app"), ("localhost/app", "docker://localhost/app"),
            ("ocidir://layout:1", "oci:layout:1"), ("oci-layout://layout:1", "oci:layout:1"),
            ("oci:///srv/layout:1", "oci:/srv/layout:1"), ("oci://./layout", "oci:./layout"),
            ("docker-archive:///srv/a.tar", "docker-archive:/srv/a.tar"), ("store://there", "store:there"),
            ("store://there:team/app:1", "store:there:team/app:1"), ("oci-archive://there:1", "oci-archive:there:1"),
            ("file:///srv/b.tar", "docker-archive:/srv/b.tar"), ("oci:5000/x:1", "oci:5000/x:1"),
        ])
    func understands(_ text: String, _ meaning: String) throws {
        #expect(try parse(text, existing: ["there", "/srv/b.tar"]).description == meaning)
    }

    /// A read does not say how to make a place.
    @Test func aPlaceIsMadeByWritesOnly() {
        func message(_ text: String, isWritten: Bool) -> String {
            let error = #expect(throws: ImageError.self) {
                try ImageReference(text, isWritten: isWritten, exists: { _ in false }, recognise: { _ in nil })
            }
            return error?.description ?? ""
        }
        #expect(message("new.tar", isWritten: false) == "'new.tar': no such file or directory")
        #expect(
            message("new.tar", isWritten: true)
                == "'new.tar': missing transport; write docker-archive:new.tar or oci-archive:new.tar")
        #expect(message("/srv/new", isWritten: true).contains("store:/srv/new, oci:/srv/new"))
        #expect(message("reg.example/a", isWritten: true).contains("did you mean docker://reg.example/a?"))
    }

    /// What is not there, and looks as Windows or a word processor writes it, is not made.
    @Test(
        arguments: [
            ("C:\\a.tar", "/mnt/c/a.tar"), ("oci:d:/x", "oci:/mnt/d/x"), (".\\a", "./a"), ("\\\\s\\a\\b", "/mnt/a/b"),
            ("dir:a\\b:1", "dir:a/b:1"), ("\u{201C}oci:a\u{201D}", "oci:a"), ("store:\u{2018}a\u{2019}", "store:a"),
        ])
    func foreignPaths(_ text: String, _ advice: String) throws {
        for isWritten in [true, false] {
            let error = #expect(throws: ImageError.self) {
                try ImageReference(text, isWritten: isWritten, exists: { _ in false }, recognise: { _ in nil })
            }
            #expect(error?.description.hasSuffix(advice) == true, "\(error?.description ?? "")")
        }
        #expect(try parse("oci:a\\b:1", existing: ["a\\b"]).name == "1")
        #expect(try parse("-") == ImageReference(transport: .dockerArchive, location: "-"))
    }

    /// A host that could be a name keeps its slash.
    @Test(arguments: [
        "docker://registry/", "docker://registry:5000/", "docker://reg.example", "docker://localhost:5000",
    ])
    func registriesAreDescribed(_ text: String) throws {
        let reference = try parse(text)
        #expect(reference.description == text && reference.name == nil)
    }

    @Test(arguments: [
        "docker://", "docker://Reg/UPPER", "docker://reg.example/a:b:c", "docker://reg.example/a@sha256:1",
        "docker://a b/c",
    ])
    func registriesThatAreNone(_ text: String) {
        #expect(throws: ImageError.self) { try parse(text) }
    }

    @Test func aDigestIsCutOffFirst() throws {
        let reference = try parse("store:/r:a/b@sha256:\(Self.hex)")
        #expect(reference.name == "a/b" && reference.digest?.hex == Self.hex)
    }

    @Test func anExistingPathIsThePath() throws {
        #expect(try parse("oci:a:b", existing: ["a:b"]).location == "a:b")
        #expect(try parse("x.tar", existing: ["x.tar"]).transport == .dockerArchive)
        #expect(try parse("x.tar:n:t", existing: ["x.tar"]).name == "n:t")
    }

    @Test(arguments: [
        "", "new.tar", "oci:", "oci:d:", "nonsense:x", "docker-archive::x", "oci:d@sha256:zz", "oci:d:1@sha512:aa",
        "docker://reg.example/a@sha256:", "docker:alpine", "docker:/reg.example/a",
    ])
    func refuses(_ text: String) {
        #expect(throws: ImageError.self) { try parse(text) }
    }
}
