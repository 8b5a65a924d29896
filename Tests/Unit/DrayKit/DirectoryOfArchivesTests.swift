import DrayKit
import ImageModel
import ImageTransfer
import Testing

/// A directory as a source is each archive in it, and nothing else.
struct DirectoryOfArchivesTests {
    typealias Member = Workplace.Member

    private static let archive = Workplace.tar(ForeignMembersTests.docker)
    private static let layout = Workplace.tar(ForeignMembersTests.layout)
    /// More than fits before its first member ends.
    private static let long = Workplace.tar([Member("layer.tar", bytes: [UInt8](repeating: 7, count: 5000))])

    /// What is no archive of an image, by name: each with what is said of it.
    static let others: [(Member, String)] = [
        (Member("README.md", "# Images\n"), "plain text"), (Member("SHA256SUMS", "ab  a.tar\n"), "plain text"),
        (Member("a.tar.sig", "-----BEGIN PGP SIGNATURE-----\n"), "plain text"),
        (Member("cosign.bundle", #"{"base64Signature":"x"}"#), "a JSON document"),
        (Member("done", ""), "an empty file"),
        (Member("page.tar", ForeignFileTests.page), "an HTML page"), (Member("empty.tar", ""), "an empty file"),
        (Member("x.zip", bytes: [0x50, 0x4b, 3, 4]), "a zip archive"),
        (Member("logo.png", bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), "a PNG picture"),
        (Member("rootfs.tar", bytes: Workplace.tar([Member("etc/passwd"), Member("usr/")])), "a root file system"),
        (Member("volume.tar", bytes: Workplace.tar([Member("data.db")])), "a tar of other files"),
        (Member("nested.tar", bytes: Workplace.tar([Member("x.tar")])), "a tar of an archive"),
        (Member("noise.bin", bytes: [UInt8](repeating: 0xa5, count: 600)), "unrecognised"),
    ]

    @Test func whatIsNoArchiveIsSkippedAndNamed() throws {
        let place = try Workplace()
        let archives = [
            Member("a.tar", bytes: Self.archive), Member("b", bytes: Self.layout),
            Member("c.docker", bytes: try place.packed(Self.archive, "gzip")),
        ]
        let path = try place.directory("in", archives + Self.others.map(\.0))
        for way in [path, "docker-archive:\(path)", "oci-archive:\(path)"] {
            let (references, leftOut) = try expanded(way)
            #expect(
                references.map(\.description) == [
                    "docker-archive:\(path)/a.tar", "oci-archive:\(path)/b", "docker-archive:\(path)/c.docker",
                ])
            #expect(leftOut.count == Self.others.count)
            for (member, kind) in Self.others {
                let found = leftOut.first { $0.file == "\(path)/\(member.path)" }
                #expect(found?.kind.contains(kind) == true, "\(member.path): \(found?.kind ?? "nothing")")
            }
        }
    }

    /// Layouts and stores that are directories are taken as well, and other directories are named.
    @Test func directoriesInIt() throws {
        let place = try Workplace()
        let store = Member("docker/registry/v2/repositories/a/_layers/x").below("store")
        let unpacked = ForeignMembersTests.docker.map { $0.below("unpacked") }
        let path = try place.directory(
            "in",
            [Member("a.tar", bytes: Self.archive), store, Member("docs/readme"), Member("empty/")]
                + ForeignMembersTests.layout.map { $0.below("lay") } + unpacked)
        let (references, leftOut) = try expanded(path)
        #expect(
            references.map(\.description) == ["docker-archive:\(path)/a.tar", "oci:\(path)/lay", "store:\(path)/store"])
        #expect(leftOut.map(\.file) == ["docs", "empty", "unpacked"].map { "\(path)/\($0)" })
        #expect(leftOut.last?.kind == "a docker-archive, unpacked")
    }

    /// Cut off, or with a list that is none.
    @Test(arguments: [
        ("cut.tar", Array(long.prefix(2000))), ("cut", Array(long.prefix(2000))), ("noise.tar", [0xa5, 0xa5, 0xa5]),
        ("incomplete.tar", Workplace.tar([Member("blobs/sha256/aa")])),
        ("garbled.tar", Workplace.tar([Member("manifest.json", "null")])),
    ])
    func anArchiveThatIsDamagedStays(_ name: String, _ bytes: [UInt8]) throws {
        let place = try Workplace()
        let path = try place.directory("in", [Member("a.tar", bytes: Self.archive), Member(name, bytes: bytes)])
        let (references, leftOut) = try expanded(path)
        #expect(references.contains { $0.location == "\(path)/\(name)" }, "\(leftOut)")
    }

    @Test(arguments: ["gzip", "xz"]) func anArchiveThatIsCutOffInItsCompressionStays(_ program: String) throws {
        let place = try Workplace()
        let packed = try place.packed(Self.archive, program)
        let path = try place.directory(
            "in", [Member("a.tar", bytes: Self.archive), Member("cut.tar.gz", bytes: packed.dropLast(20))])
        #expect(try expanded(path).references.count == 2)
    }

    @Test func aDirectoryWithoutAnArchiveIsAnError() throws {
        let place = try Workplace()
        for (number, members) in [[], [Self.others[0].0], Self.others.map(\.0)].enumerated() {
            let path = try place.directory("in\(number)", members)
            #expect {
                _ = try expanded(path)
            } throws: { error in
                guard let content = (error as? ImageError)?.cause as? ForeignContent else { return false }
                return content.place == path && content.kind.contains("directory")
            }
        }
    }
}

extension [UInt8] {
    fileprivate func dropLast(_ count: Int) -> [UInt8] { Array(self[..<(self.count - count)]) }
}
