import ConfigurationFiles
import ImageModel
import ImageSync
import Testing

struct TagSelectionTests {
    private static let tags = [
        "1.0.0", "1.1.0", "1.10.0", "1.2.0", "2.0.0", "2.1.0-rc.1", "edge", "latest", "nightly-1", "nightly-2", "v3",
        "sha256-" + String(repeating: "a", count: 64) + ".sig",
    ]
    private static let dates = ["1.0.0": 100, "edge": 300, "nightly-1": 200, "nightly-2": 250, "latest": 300]

    private func select(_ make: (inout TagSelection) throws -> Void) async throws -> [String] {
        var selection = TagSelection()
        try make(&selection)
        return try await selection.select(from: Self.tags) { candidates in
            Self.dates.filter { candidates.contains($0.key) }
        }
    }

    @Test func byNameAndPatternAndRange() async throws {
        #expect(try await select { $0.names = ["edge"] } == ["edge"])
        #expect(try await select { $0.patterns = [try TextPattern(glob: "nightly-*")] } == ["nightly-1", "nightly-2"])
        #expect(
            try await select { $0.versions = [try #require(VersionRange("1.x"))] } == [
                "1.0.0", "1.1.0", "1.10.0", "1.2.0",
            ])
        let all = try await select {
            $0.names = ["latest"]
            $0.patterns = [try TextPattern(expression: "^v\\d+$")]
            $0.versions = [try #require(VersionRange(">=2 <3"))]
        }
        #expect(all == ["latest", "2.0.0", "v3"])
    }

    @Test func withoutAnythingItIsEverythingButReferrers() async throws {
        #expect(try await select { _ in } == Array(Self.tags.dropLast()))
        #expect(try await select { $0.patterns = [try TextPattern(glob: "*")] } == Array(Self.tags.dropLast()))
    }

    @Test func exceptTakesAwayButNotNames() async throws {
        let some = try await select {
            $0.names = ["1.2.0"]
            $0.versions = [try #require(VersionRange("1.x"))]
            $0.except = [try TextPattern(glob: "1.[12]*")]
        }
        #expect(some == ["1.2.0", "1.0.0"])
    }

    @Test func newestByVersion() async throws {
        #expect(try await select { $0.newest = .init(3, by: .semver) } == ["v3", "2.0.0", "1.10.0"])
        let some = try await select {
            $0.names = ["latest"]
            $0.versions = [try #require(VersionRange("1.x"))]
            $0.newest = .init(2, by: .semver)
        }
        #expect(some == ["latest", "1.10.0", "1.2.0"])
        // A prerelease counts where it is chosen.
        let pre = try await select {
            $0.patterns = [try TextPattern(glob: "2.*")]
            $0.newest = .init(1, by: .semver)
        }
        #expect(pre == ["2.1.0-rc.1"])
        #expect(try await select { $0.newest = .init(100, by: .semver) }.count == 6)
    }

    @Test func newestByDate() async throws {
        // Of the same age, by name; what tells no date is none of the newest.
        #expect(try await select { $0.newest = .init(3, by: .created) } == ["edge", "latest", "nightly-2"])
        let some = try await select {
            $0.patterns = [try TextPattern(glob: "nightly-*")]
            $0.newest = .init(1, by: .created)
        }
        #expect(some == ["nightly-2"])
    }
}
