import Foundation
import Testing

/// Everything that other tools wrote becomes a store that the registry serves.
@Suite(.enabled(if: Fixtures.arePresent))
struct FixtureTests {
    @Test func everyFixtureIsServedWithTheDigestsThatWerePrinted() async throws {
        let scratch = try Scratch()
        var rows: [Row] = []
        for reference in Fixtures.references {
            rows += try Command.succeed("copy", "--output", "json", reference, "store:\(scratch["store"])").rows()
        }
        let registry = try await Registry(serving: scratch["store"], scratch: scratch)
        try registry.check(rows, scratch: scratch)
        #expect(try registry.garbage() == [])
    }

    @Test func emptyManifestIsRefused() throws {
        let scratch = try Scratch()
        let result = try Command.dray("copy", "\(Fixtures.path)/broken/null_manifest.tar", "store:\(scratch["store"])")
        #expect(result.status != 0)
        #expect(scratch.files(below: "store").isEmpty)
    }

    /// A layout's content goes through everything that can hold it, and comes back with its digests.
    @Test(arguments: ["oci-layout/oras-images", "oci-layout/regclient-testrepo"])
    func digestsSurviveEveryTransport(_ layout: String) throws {
        let scratch = try Scratch()
        let source = "oci:\(Fixtures.path)/\(layout)"
        let before = try Set(Command.succeed("ls", "--output", "json", source).rows().map(\.digest))
        let stations = [
            "store:\(scratch["store"])", "oci-archive:\(scratch["layout.tar"])",
            "docker-archive:\(scratch["docker.tar"])",
            "oci:\(scratch["layout"])", "store:\(scratch["again"])",
        ]
        var from = source
        for station in stations {
            let rows = try Command.succeed(
                "copy", "--compression", "keep", "--strict", "--output", "json", from, station
            ).rows()
            #expect(rows.allSatisfy { $0.kept == true })
            from = station
        }
        let after = try Set(Command.succeed("ls", "--output", "json", from).rows().map(\.digest))
        #expect(before.subtracting(after).isEmpty)
        let first = try Command.shell(
            "cd \(scratch["store"])/docker/registry/v2/blobs && find . -type f | sort | xargs sha256sum")
        let last = try Command.shell(
            "cd \(scratch["again"])/docker/registry/v2/blobs && find . -type f | sort | xargs sha256sum")
        #expect(first.text == last.text)
    }

    @Test func referrersTravelWithASingleTag() throws {
        let scratch = try Scratch()
        try Command.succeed(
            "copy", "store:\(Fixtures.path)/registry-store-artifacts.tar.gz:command/artifacts:foobar",
            "oci:\(scratch["layout"])")
        let tags = try Command.succeed("ls", "--output", "json", "oci:\(scratch["layout"])").rows().compactMap(\.tag)
        #expect(tags.contains { $0.hasPrefix("sha256-") })
        let inspection = try Command.succeed("inspect", "--output", "json", "oci:\(scratch["layout"]):foobar")
        #expect(inspection.text.contains("test/sbom.file"))
    }
}
