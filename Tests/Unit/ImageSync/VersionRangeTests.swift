import ImageSync
import Testing

struct VersionRangeTests {
    @Test(
        arguments: [
            (">=1.2 <2", "1.2.0", true), (">=1.2 <2", "2.0.0", false), (">=1.2, <2", "1.9.9", true),
            ("^1.2.3", "1.9.0", true),
            ("^1.2.3", "1.2.2", false), ("^1.2.3", "2.0.0", false), ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.4", false), ("^1", "1.99.0", true), ("~1.2", "1.2.9", true), ("~1.2", "1.3.0", false),
            ("~1", "1.9.0", true),
            ("1.x", "1.4.2", true), ("1.x", "2.0.0", false), ("1.2.*", "1.2.7", true), ("*", "7.0.0", true),
            ("1.2", "1.2.8", true),
            ("1.2", "1.3.0", false), ("=1.2.3", "1.2.3", true), ("1.2 - 1.4", "1.4.9", true),
            ("1.2 - 1.4", "1.5.0", false),
            (">1.2", "1.2.9", false), (">1.2", "1.3.0", true), ("<=1.2", "1.2.9", true), ("<=1.2", "1.3.0", false),
            ("1.0.0 || 2.x", "2.5.0", true), ("1.0.0 || 2.x", "1.5.0", false), (">= 1.2.0", "v1.3", true),
            ("<2", "2.0.0-rc.1", false),
            // Prereleases: only where the range names one of the same three numbers.
            (">=1.2.0", "1.3.0-rc.1", false), ("*", "1.0.0-alpha", false), (">=1.2.0-rc.1", "1.2.0-rc.2", true),
            (">=1.2.0-rc.1", "1.2.0-beta", false), (">=1.2.0-rc.1", "1.3.0-rc.1", false),
            (">=1.2.0-rc.1", "1.3.0", true),
            ("^1.2.3-beta.2", "1.2.3-beta.4", true), ("^1.2.3-beta.2", "1.2.4-beta.2", false),
            ("1.2.3-rc.1", "1.2.3-rc.1", true),
            // Tags as people write them.
            ("22.x", "22.04", true), (">=3.16 <4", "3.19", true), ("1.x", "1", true),
        ])
    func contains(_ range: String, _ version: String, _ holds: Bool) throws {
        let version = try #require(SemanticVersion(version))
        #expect(try #require(VersionRange(range)).contains(version) == holds)
    }

    @Test(arguments: ["", "||", ">=", "1.2.3.4", "abc", ">>1", "1 -", "1.x.3", ">=1.2 ||", "^", "latest", "<*"])
    func refuses(_ range: String) { #expect(VersionRange(range) == nil) }

    @Test(arguments: [
        "latest", "1.2.3.4", "1..2", "1.2-", "1.2.3-a..b", "sha256-abc", "1a", "99999999999999999999", "",
    ])
    func isNoVersion(_ tag: String) { #expect(SemanticVersion(tag) == nil) }

    /// Source: semver.org, section 11.
    @Test func ordersAsTheSpecificationSays() throws {
        let ordered = [
            "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
            "1.0.0-rc.1", "1.0.0", "1.0.1", "v1.2", "1.10.0", "2.0.0",
        ].compactMap { SemanticVersion($0) }
        #expect(ordered.count == 12)
        for (one, next) in zip(ordered, ordered.dropFirst()) { #expect(one < next) }
    }

    /// `01` and `1` are the same number: what follows them decides.
    @Test func versionsHaveOneOrder() throws {
        let tags = ["1.0-01.a", "1.0-1.b", "1.0-01.c", "1.0-1", "1.0-01", "1.0-rc", "1.0"]
        let versions = try tags.map { try #require(SemanticVersion($0)) }
        let sorted = versions.sorted()
        #expect(
            sorted.map(\.description) == [
                "1.0.0-01", "1.0.0-1", "1.0.0-01.a", "1.0.0-1.b", "1.0.0-01.c", "1.0.0-rc", "1.0.0",
            ])
        for (a, b) in zip(sorted, sorted.dropFirst()) { #expect(a < b && !(b < a) && a != b) }
    }
}
