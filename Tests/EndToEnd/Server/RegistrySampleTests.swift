import Foundation
import Testing

/// What `samples/registry` promises.
struct RegistrySampleTests {
    private static let folder = Command.package.appending(path: "samples/registry").path

    @Test(arguments: [[], ["--behind-nginx"], ["--tls"], ["--behind-nginx", "--tls"]])
    func theWalkThroughWorks(_ options: [String]) throws {
        let original = Server.Program.isOriginal ? ["--original"] : []
        let walk = try Command.run("\(Self.folder)/walk-through", options + original)
        #expect(walk.status == 0, "\(walk.text)\n\(walk.errors)")
        #expect(walk.lines.last == "the walk is done: every answer was as expected")
    }

    /// systemd itself reads the unit, and thinks it is safe.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")))
    func theServiceIsInOrder() throws {
        let scratch = try Scratch()
        let unit = try String(contentsOfFile: "\(Self.folder)/dray.service", encoding: .utf8)
        try scratch.write(unit.replacing("/usr/bin/dray", with: Command.dray), to: "dray.service")
        let verify = try Command.run("systemd-analyze", ["verify", "--man=no", scratch["dray.service"]])
        #expect(verify.status == 0 && verify.errors.isEmpty, "\(verify.errors)")
        let security = try Command.run(
            "systemd-analyze", ["security", "--offline=yes", "--threshold=15", scratch["dray.service"]])
        #expect(security.status == 0, "\(security.text)")
    }

    /// What the compose file and the recipe name is there.
    @Test func theFilesFitTogether() throws {
        let compose = try String(contentsOfFile: "\(Self.folder)/docker-compose.yaml", encoding: .utf8)
        for mount in compose.matches(of: #/- \./([^:\s]+):/#) where mount.1 != "storage" {
            #expect(FileManager.default.fileExists(atPath: "\(Self.folder)/\(mount.1)"), "\(mount.1)")
        }
        let recipe = try String(contentsOfFile: "\(Self.folder)/Dockerfile", encoding: .utf8)
        for copy in recipe.matches(of: #/(?m)^COPY ([^-\s]\S*) /#) {
            let path = Command.package.appending(path: String(copy.1)).path
            #expect(FileManager.default.fileExists(atPath: path), "\(copy.1)")
        }
        for line in ["registry serve /etc/docker/registry/config.yml", "/etc/docker/registry/config.yml"] {
            #expect(compose.contains(line))
        }
        #expect(recipe.contains("ln -s dray /bin/registry"))
    }
}
