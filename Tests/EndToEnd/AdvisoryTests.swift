import Foundation
import Testing

/// `samples/tools/advisories`: which components of the bill of materials are affected by saved advisories.
struct AdvisoryTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(
            """
            {"components": [
                {"name": "swift-nio", "version": "2.101.2", "purl": "pkg:swift/github.com/apple/swift-nio@2.101.2"},
                {"name": "zlib1g", "version": "1:1.2.13.dfsg-1",
                    "purl": "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12&upstream=zlib%401%3A1.2.13.dfsg-1"},
                {"name": "swift", "version": "6.3.1", "purl": "pkg:generic/swift@6.3.1"}]}
            """, to: "bill.json")
    }

    private func advisory(
        _ id: String, _ ecosystem: String, _ name: String, _ affected: String, _ more: String = ""
    ) -> String {
        """
        {"schema_version": "1.7.0", "id": "\(id)", "summary": "summary of \(id)"\(more),
         "affected": [{"package": {"ecosystem": "\(ecosystem)", "name": "\(name)"}, \(affected)}]}
        """
    }

    private func compare(_ feed: String...) throws -> Command {
        try Command.script("samples/tools/advisories", ["--sbom", scratch["bill.json"]] + feed)
    }

    private func range(_ events: String, _ type: String = "SEMVER") -> String {
        "\"ranges\": [{\"type\": \"\(type)\", \"events\": [\(events)]}]"
    }

    @Test(
        arguments: [
            (#"{"introduced": "0"}"#, true), (#"{"introduced": "2.0.0"}, {"fixed": "2.101.3"}"#, true),
            (#"{"fixed": "2.101.2"}, {"introduced": "2.0.0"}"#, false), (#"{"introduced": "2.101.2"}"#, true),
            (#"{"introduced": "2.101.3"}"#, false), (#"{"introduced": "0"}, {"fixed": "2.101.2-beta.2"}"#, false),
            (#"{"introduced": "1.0.0"}, {"last_affected": "2.101.2"}"#, true),
            (#"{"introduced": "1.0.0"}, {"last_affected": "2.101.1"}"#, false),
            (#"{"introduced": "0"}, {"fixed": "2.9.0"}, {"introduced": "2.100.0"}, {"fixed": "2.102.0"}"#, true),
            (#"{"introduced": "0"}, {"fixed": "2.9.0"}, {"introduced": "2.102.0"}"#, false),
        ])
    func rangesOfVersionsCount(_ events: String, isAffected: Bool) throws {
        for name in ["github.com/apple/swift-nio", "https://github.com/Apple/swift-nio.git"] {
            try scratch.write(advisory("GHSA-1", "SwiftURL", name, range(events)), to: "feed.json")
            let result = try compare(scratch["feed.json"])
            #expect(result.status == (isAffected ? 1 : 0), "\(result.text) \(result.errors)")
            #expect(result.text.contains("swift-nio 2.101.2: GHSA-1 summary of GHSA-1") == isAffected)
        }
    }

    @Test func debianVersionsAreComparedAsDebianDoes() throws {
        for (fixed, isAffected) in [("1:1.2.13.dfsg-1+deb12u1", true), ("1:1.2.13.dfsg-1", false), ("2.0", false)] {
            try scratch.write(
                advisory(
                    "DSA-1", "Debian:12", "zlib",
                    range("{\"introduced\": \"0\"}, {\"fixed\": \"\(fixed)\"}", "ECOSYSTEM")),
                to: "feed.json")
            #expect(try compare(scratch["feed.json"]).status == (isAffected ? 1 : 0), "\(fixed)")
        }
    }

    @Test func foldersAndZipArchivesAreReadAndOthersLeftAlone() throws {
        let all = range(#"{"introduced": "0"}"#)
        let nio = "github.com/apple/swift-nio"
        try scratch.write(
            advisory("A-withdrawn", "SwiftURL", nio, all, ", \"withdrawn\": \"2026-01-01T00:00:00Z\""),
            to: "feed/a.json")
        try scratch.write(advisory("A-npm", "npm", nio, all), to: "feed/b.json")
        try scratch.write(advisory("A-debian13", "Debian:13", "zlib", all), to: "feed/more/c.json")
        #expect(try compare(scratch["feed"]).status == 0)
        try scratch.write(
            advisory("A-listed", "SwiftURL", nio, #""versions": ["2.101.1", "2.101.2"]"#), to: "zipped/a.json")
        let commits = "\"ranges\": [{\"type\": \"GIT\", \"repo\": \"x\", \"events\": [{\"introduced\": \"0\"}]}]"
        try scratch.write(advisory("A-commits", "SwiftURL", nio, commits), to: "zipped/b.json")
        try Command.shell("cd zipped && python3 -m zipfile -c ../feed/all.zip a.json b.json", in: scratch.path)
        let result = try Command.script(
            "samples/tools/advisories", ["--output", "json", "--sbom", scratch["bill.json"], scratch["feed"]])
        #expect(result.status == 1)
        #expect(["A-listed", "A-commits"].allSatisfy(result.text.contains) && !result.text.contains("A-npm"))
        #expect(result.text.contains(#""advisories": 5"#) && result.text.contains(#""components": 2"#))
    }

    @Test func whatCannotBeReadIsAnError() throws {
        for (content, says) in [
            ("{", "feed.json: not JSON"), ("{}", "the member id is missing"), ("[]", "the feed holds no advisory"),
            (advisory("A", "SwiftURL", "github.com/apple/swift-nio", range("{}")), "its versions cannot be read"),
        ] {
            try scratch.write(content, to: "feed.json")
            let result = try compare(scratch["feed.json"])
            #expect(result.status == 3 && result.errors.contains(says), "\(result.errors)")
        }
        #expect(try compare(scratch["missing"]).status == 3)
    }

    /// With the real bill of this build.
    @Test func aLibraryOfThisBuildIsFound() throws {
        let bill = try Command.script("samples/tools/sbom", [Command.dray])
        try scratch.write(bill.text, to: "bill.json")
        let all = range(#"{"introduced": "0"}"#, "ECOSYSTEM")
        let release = try #require(bill.text.firstMatch(of: /distro=debian-([^&"]+)/)?.1)
        try scratch.write(advisory("DSA-2", "Debian:\(release)", "libarchive", all), to: "feed.json")
        let result = try compare(scratch["feed.json"])
        #expect(result.status == 1 && result.text.contains("libarchive13 "), "\(result.text) \(result.errors)")
    }
}
