import ImageModel
import Testing

struct RepositoryPatternTests {
    @Test(arguments: [
        ("team/*", ["team/app", "team/deep/app"], ["team", "other/app", "steam/app"]),
        ("*/app", ["team/app", "team/deep/app"], ["app", "team/apps"]),
        ("*", ["a", "a/b"], []), ("team/web-*", ["team/web-1"], ["team/web", "team/app"]),
    ])
    func matches(_ text: String, _ good: [String], _ bad: [String]) throws {
        let pattern = try #require(RepositoryPattern(text))
        for name in good { #expect(pattern.matches(name), "\(name)") }
        for name in bad { #expect(!pattern.matches(name), "\(name)") }
    }

    @Test(arguments: ["team/app", "", "Team/*", "team/*:1", "[a]*", "a?*", "../*", "a//*"])
    func isNone(_ text: String) { #expect(RepositoryPattern(text) == nil) }
}
