import DrayKit
import ImageModel
import ImageTransfer
import Testing

/// Tars and directories without an image are named as what they are.
struct ForeignMembersTests {
    typealias Member = Workplace.Member

    static let docker = [
        Member("manifest.json", #"[{"Config":"c.json","RepoTags":["a:1"],"Layers":[]}]"#), Member("c.json", "{}"),
    ]
    static let layout = [
        Member("oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#),
        Member("index.json", #"{"schemaVersion":2,"manifests":[]}"#), Member("blobs/sha256/"),
    ]
    static let store = [Member("docker/registry/v2/repositories/a/_manifests/")]

    private static func directories(_ names: String) -> [Member] {
        names.split(separator: " ").map { Member("\($0)/") }
    }

    struct Case: Sendable {
        var members: [Member]
        var kind: String
        /// Of a tar, and of a directory.
        var advice: [String]

        init(_ members: [Member], _ kind: String, _ advice: String...) {
            (self.members, self.kind, self.advice) = (members, kind, advice)
        }
    }

    static let cases = [
        // Root file systems of distributions, of scratch, with few directories, of Windows
        Case(
            directories("bin dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var"), "docker export",
            "docker save"),
        Case(directories("boot dev etc home lib proc root run sbin sys tmp usr var"), "docker export", "docker import"),
        Case([Member(".dockerenv", ""), Member("main")], "docker export", "docker save"),
        Case([Member("etc/hosts"), Member("server")], "docker export", "docker save"),
        Case([Member("usr/local/bin/tool")], "docker export", "docker save"),
        Case([Member("Files/Windows/x"), Member("Hives/Software")], "docker export", "docker save"),
        // One or more directories deeper
        Case(docker.map { $0.below("images") }, "a docker-archive is in its directory images", "docker-archive:"),
        Case(docker.map { $0.below("a/b") } + [Member("README")], "in its directory a/b", "a/b"),
        Case(layout.map { $0.below("my layout") }, "an OCI layout is in its directory my layout", "oci:", "my layout"),
        Case(
            layout.map { $0.below("x/y/z") } + layout.map { $0.below("x/y/w") }, "directory x/y/w, and 1 more", "oci:"),
        Case(store.map { $0.below("1/2/3/4") }, "a registry's storage is in its directory 1/2/3/4", "store:"),
        // Archives of archives
        Case([Member("a.tar"), Member("b.tar.gz")], "2 archives: a.tar, b.tar.gz", "mkdir DIR"),
        Case([Member("out/c.tgz"), Member("note")], "an archive: out/c.tgz", "out"),
        // Other things
        Case([Member("chart/Chart.yaml"), Member("chart/values.yaml")], "a Helm chart", "helm push", ""),
        Case([Member("Dockerfile"), Member("main.go")], "a build context", "docker build"),
        Case([Member("overlay2/x"), Member("image/y")], "data directory", "docker save"),
        Case([Member("main.c"), Member("lib.c")], "lib.c, main.c", "docker save"),
        Case([Member("bin/x"), Member("lib/y"), Member("share/z")], "bin, lib, share", "docker save"),
        Case([Member("repositories/a/"), Member("blobs/sha256/aa/")], "inside of a registry's storage", "store:DIR"),
        Case(
            [Member("v2/repositories/a/"), Member("v2/blobs/sha256/aa/")], "inside of a registry's storage", "store:DIR"
        ),
    ]

    private func content(_ text: String) -> ForeignContent? {
        do {
            return try expanded(text).references.isEmpty ? nil : nil
        } catch let error as ImageError where error.code == .foreign {
            return error.cause as? ForeignContent
        } catch {
            Issue.record("\(text): \(error)")
        }
        return nil
    }

    @Test(arguments: cases.indices, ["tar", "gzip", "directory"])
    func isNamed(_ index: Int, _ container: String) throws {
        let place = try Workplace()
        let test = Self.cases[index]
        // A directory of archives is one of the things that are read.
        if container == "directory", test.kind.hasPrefix("2 archives") { return }
        let path: String
        switch container {
        case "tar": path = try place.file("app.tar", Workplace.tar(test.members))
        case "gzip": path = try place.file("app.tar", place.packed(Workplace.tar(test.members), "gzip"))
        default: path = try place.directory("app", test.members)
        }
        let found = try #require(content(path))
        #expect(found.place == path && found.kind.contains(test.kind), "\(found)")
        let advice = container == "directory" ? test.advice[test.advice.count - 1] : test.advice[0]
        #expect(found.advice.contains(advice) || advice.isEmpty, "\(found)")
    }

    /// What is there, but under another transport, is named with that.
    @Test(arguments: [
        (docker, "store:", "docker-archive:"), (layout, "store:", "oci-archive:"), (store, "docker-archive:", "store:"),
        (store, "oci-archive:", "store:"), (docker, "oci-archive:", "docker-archive:"),
    ])
    func theRightTransportIsNamed(_ members: [Member], _ wrong: String, _ right: String) async throws {
        let place = try Workplace()
        let path = try place.file("app.tar", Workplace.tar(members))
        await #expect {
            let dray = Dray()
            _ = try await dray.source(dray.references.read(wrong + path)).listing()
        } throws: { error in
            guard let found = (error as? ImageError)?.cause as? ForeignContent else { return false }
            return found.isReadable && found.advice.hasSuffix(right + path)
        }
    }

    /// What is left of an image is damage, and no reason to pass over it.
    @Test(arguments: [
        ([Member("oci-layout", "{}"), Member("blobs/sha256/aa")], "index.json is missing"),
        ([Member("blobs/sha256/aa")], "index.json is missing"),
        ([Member("\(String(repeating: "ab", count: 32))/layer.tar")], "manifest.json is missing"),
    ])
    func whatIsIncompleteIsDamaged(_ members: [Member], _ words: String) throws {
        let place = try Workplace()
        for path in [try place.file("app.tar", Workplace.tar(members)), try place.directory("app", members)] {
            #expect {
                _ = try ReferenceReader().read(path)
            } throws: { error in
                guard let text = (error as? ImageError)?.message, (error as? ImageError)?.code == .damaged else {
                    return false
                }
                return text.contains(words)
            }
        }
    }

    /// An unpacked archive is read as what was unpacked.
    @Test(arguments: [
        (docker, ImageReference.Transport.dockerArchive), (layout, .oci), (docker + layout, .dockerArchive),
        (store, .store), ([Member("manifest.json", "{}"), Member("version")], .directory),
        ([Member("index.json", "{}")], .oci), ([Member("a.tar"), Member("b")], .dockerArchive),
    ])
    func directoriesAreRecognised(_ members: [Member], _ transport: ImageReference.Transport) throws {
        let place = try Workplace()
        #expect(try ReferenceReader().read(place.directory("app", members)).transport == transport)
    }

    @Test func aTreeOfManyDirectoriesIsLookedIntoForAWhileOnly() throws {
        let place = try Workplace()
        let members = (0..<3000).map { Member("d\($0)/e/f/x") }
        let path = try place.file("app.tar", Workplace.tar(members))
        let clock = ContinuousClock()
        let time = try clock.measure { _ = try #require(content(path)) }
        #expect(time < .seconds(5))
    }
}
