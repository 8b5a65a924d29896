import ImageModel
import ImageTransfer
import RegistryStore
import Testing

/// What images are called where they go.
struct DestinationNamingTests {
    struct Case: CustomTestStringConvertible {
        var images: [String]
        /// What the source's reference names.
        var selection: String?
        /// What the destination's reference names.
        var destination: String?
        var prefix: String?
        var expected: [String]

        var testDescription: String { "\(images) \(selection ?? "") to \(destination ?? "")\(prefix ?? "")" }

        init(
            _ images: String..., selection: String? = nil, destination: String? = nil, prefix: String? = nil,
            expected: String...
        ) {
            self.images = images
            self.selection = selection
            self.destination = destination
            self.prefix = prefix
            self.expected = expected
        }
    }

    static let cases = [
        // A path is never shortened, and a first component that looks like a host is a part of it.
        Case("library/alpine:3.19", expected: "library/alpine:3.19"),
        Case("ghcr.io/org/tool:2", expected: "ghcr.io/org/tool:2"),
        Case("registry.example|library/alpine:3", expected: "library/alpine:3"),
        Case("docker.io|library/alpine:3", expected: "library/alpine:3"),
        Case("alpine:3", prefix: "mirror", expected: "mirror/alpine:3"),
        // One repository keeps its tags.
        Case("team/app:1", "team/app:2", destination: "other", expected: "other:1", "other:2"),
        Case("team/app:1", destination: "gcr.io/proj/app:9", expected: "gcr.io/proj/app:9"),
        Case("team/app:1", "team/app@", destination: "other", expected: "other:1", "other@"),
        // Several become one each below it.
        Case("a/x:1", "b/y:1", destination: "mirror", expected: "mirror/a/x:1", "mirror/b/y:1"),
        Case("a/x:1", "a/x@", "b:2", destination: "m", expected: "m/a/x:1", "m/a/x@", "m/b:2"),
        Case("h.example|a:1", "i.example|a:2", destination: "m", expected: "m/a:1", "m/a:2"),
        Case("quay.io/a:1", "b:1", destination: "m", expected: "m/quay.io/a:1", "m/b:1"),
        // Of a folder, the part below it.
        Case("t/a/x:1", "t/b:1", selection: "t/*", destination: "m", expected: "m/a/x:1", "m/b:1"),
        Case("t/a:1", selection: "t/*", destination: "m", expected: "m/a:1"),
        Case("t/a:1", "t/b:2", selection: "t", destination: "m", expected: "m/a:1", "m/b:2"),
        Case("t/a:1", "u/a:2", selection: "*/a", destination: "m", expected: "m/t/a:1", "m/u/a:2"),
        Case("t/a:1", "t/b:2", selection: "t/*", expected: "t/a:1", "t/b:2"),
    ]

    /// `[HOST|]REPOSITORY[:TAG|@]`
    private static func name(_ text: String) throws -> ImageName {
        let parts = text.split(separator: "|")
        let path = try #require(parts.last).split(separator: "@")[0]
        var name = try #require(ImageName(withoutHost: path))
        name.host = parts.count == 2 ? String(parts[0]) : nil
        return name
    }

    private static func report(_ test: Case, together: Bool) async throws -> [String] {
        let directory = try Workplace()
        var sources: [MemoryPlace] = together ? [MemoryPlace()] : []
        for (number, text) in test.images.enumerated() {
            if !together { sources.append(MemoryPlace()) }
            let name = try Self.name(text)
            let image = try sources[sources.count - 1].image("\(number)")
            sources[sources.count - 1].name(image, .full(name), in: name.repository)
        }
        var options = CopyOptions()
        options.prefix = test.prefix
        let selections = sources.map {
            CopySelection(source: $0, name: test.selection, chosen: SourceListing(images: $0.images))
        }
        let report = try await Copier(options: options).copy(
            selections, to: Store(path: directory["store"], name: test.destination))
        return report.images.map { $0.name.tag == nil ? "\($0.name)@" : "\($0.name)" }
    }

    @Test(arguments: cases)
    func ofOneSource(_ test: Case) async throws {
        #expect(try await Self.report(test, together: true) == test.expected)
    }

    /// A list of images is a source for each.
    @Test(
        arguments: cases.filter {
            $0.selection == nil && !$0.images.joined().contains("@") && $0.destination?.contains(":") != true
        })
    func ofSeveralSources(_ test: Case) async throws {
        #expect(try await Self.report(test, together: false) == test.expected)
    }

    struct Recorded: CustomTestStringConvertible {
        var text: String
        var host: String?
        var name: String
        var testDescription: String { text }

        init(_ text: String, host: String? = nil, _ name: String) {
            (self.text, self.host, self.name) = (text, host, name)
        }
    }

    static let digest = "sha256:" + String(repeating: "ab", count: 32)

    /// What names in archives and layouts mean: `HOST|REPOSITORY:TAG`, a bare tag, or nothing.
    @Test(arguments: [
        Recorded("busybox:1", "busybox:1"), Recorded("library/busybox:1", "library/busybox:1"),
        Recorded("docker.io/library/busybox:1", "docker.io|library/busybox:1"),
        Recorded("quay.io/a/b:1", "quay.io|a/b:1"), Recorded("quay.io/a/b:1", host: "", "quay.io/a/b:1"),
        Recorded("plain/a:1", "plain/a:1"), Recorded("plain/a:1", host: "plain", "plain|a:1"),
        Recorded("localhost:5000/a:1", "localhost:5000|a:1"), Recorded("localhost/a:1", "localhost|a:1"),
        Recorded("ghcr.io/o/t:2@\(digest)", "ghcr.io|o/t:2"), Recorded("o/t@\(digest)", "o/t"),
        Recorded("3.6@\(digest)", "3.6"), Recorded("@\(digest)", ""), Recorded("v1", "v1"),
        Recorded(digest, ""), Recorded("_cosign:sha256-ab.sig", "sha256-ab.sig"), Recorded("_cosign:", ""),
        Recorded("o/t@sha256:12", ""), Recorded("A/b:1", ""), Recorded("a:b:c", ""), Recorded("", ""),
        Recorded("o/t@sha512:\(String(repeating: "c", count: 128))", "o/t"),
    ])
    func recordedNames(_ test: Recorded) {
        let found =
            switch SourceImage.Name(recorded: test.text, host: test.host, bareWordIsTag: true) {
            case .full(let name): (name.host.map { "\($0)|" } ?? "") + name.path
            case .tag(let tag): tag
            case .none: ""
            }
        #expect(found == test.name)
    }

    @Test(arguments: [
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("rancher/klipper-lb:v0.4", "docker.io/rancher/klipper-lb:v0.4"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"), ("localhost/a:1", "localhost/a:1"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"), ("index.docker.io/a/b:1", "docker.io/a/b:1"),
        ("host:5000/a:1", "host:5000/a:1"), ("docker.io/library/busybox:1", "docker.io/library/busybox:1"),
    ])
    func canonicalNames(_ text: String, _ expected: String) throws {
        #expect(try #require(ImageName(text)).canonical == expected)
    }
}
