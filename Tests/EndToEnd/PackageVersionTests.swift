import Foundation
import Testing

/// `samples/tools/packages`: builds use the versions of `samples/tools/packages.resolved`.
struct PackageVersionTests {
    private static let package = Command.package.path

    @Test func thisBuildHasTheLockedVersions() throws {
        let check = try Command.script("samples/tools/packages", ["check"])
        #expect(check.status == 0, "\(check.errors)")
        let locked = try ResolvedPackages("\(Self.package)/samples/tools/packages.resolved")
        #expect(locked.pins.allSatisfy { $0.state.revision == nil && $0.state.version != nil })
        // Every package that the manifest names, and what those need.
        let manifest = try String(contentsOfFile: "\(Self.package)/Package.swift", encoding: .utf8)
        let named = manifest.matches(of: /\.package\(url: "[^"]*\/([^"\/]+)"/).map { String($0.1).lowercased() }
        #expect(named.count > 10 && Set(named).isSubset(of: locked.versions.keys))
        #expect(locked.versions["swift-atomics"] != nil && locked.versions["swift-collections"] != nil)
    }

    @Test func anotherVersionIsFoundAndReplaced() throws {
        let scratch = try Scratch()
        try Command.shell(
            "mkdir -p samples/tools && cp \(Self.package)/samples/tools/packages* samples/tools/ && cp samples/tools/packages.resolved Package.resolved",
            in: scratch.path)
        let locked = try ResolvedPackages(scratch["Package.resolved"])
        var other = locked
        let changed = try #require(other.pins.indices.dropFirst(3).first)
        other.pins[changed].state.version = "0.0.1"
        other.pins[0].state.revision = "5f29e4c1"
        try JSONEncoder().encode(other).write(to: URL(filePath: scratch["Package.resolved"]))
        let check = try Command.shell("samples/tools/packages check", in: scratch.path)
        let name = other.pins[changed].identity
        #expect(check.status == 1 && check.errors.hasPrefix("\(name): found 0.0.1, locked "), "\(check.errors)")
        // Locked, it is right; put back from the original, it is the original's.
        let program = "samples/tools/packages"
        #expect(try Command.shell("\(program) lock && \(program) check", in: scratch.path).status == 0)
        #expect(try ResolvedPackages(scratch["samples/tools/packages.resolved"]).versions == other.versions)
        try Command.shell("cp \(Self.package)/samples/tools/packages.resolved samples/tools/", in: scratch.path)
        #expect(try Command.shell("\(program) use && \(program) check", in: scratch.path).status == 0)
        #expect(try ResolvedPackages(scratch["Package.resolved"]).versions == locked.versions)
    }

    /// SwiftPM itself takes the locked version where a newer one is there.
    @Test func aLockWithoutRevisionsCounts() throws {
        let scratch = try Scratch()
        try scratch.write(
            """
            // swift-tools-version: 6.2
            import PackageDescription
            let package = Package(
                name: "a",
                dependencies: [.package(url: "https://github.com/apple/swift-crypto", "3.0.0"..<"5.0.0")],
                targets: [.target(name: "a", dependencies: [.product(name: "Crypto", package: "swift-crypto")])])
            """, to: "Package.swift")
        try scratch.write("", to: "Sources/a/a.swift")
        try scratch.write(
            """
            {"pins": [{"identity": "swift-crypto", "kind": "remoteSourceControl",
                "location": "https://github.com/apple/swift-crypto", "state": {"version": "3.12.3"}}], "version": 3}
            """, to: "Package.resolved")
        let resolve = try Command.shell("TMPDIR=$PWD swift package resolve", in: scratch.path)
        #expect(resolve.status == 0, "\(resolve.errors)")
        #expect(try ResolvedPackages(scratch["Package.resolved"]).versions["swift-crypto"] == "3.12.3")
    }
}
