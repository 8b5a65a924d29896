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

    /// Nobody else may push or delete until its operator has chosen that.
    @Test func asShippedOnlyThisMachineIsServed() throws {
        let compose = try String(contentsOfFile: "\(Self.folder)/docker-compose.yaml", encoding: .utf8)
        let ports = compose.matches(of: /(?m)^ *ports: (.*)$/).map { String($0.1) }
        #expect(ports == ["[\"127.0.0.1:5000:80\"]"])

        let scratch = try Scratch()
        try scratch.makeCertificate("server")
        try Command.shell("htpasswd -Bbn user secret >htpasswd", in: scratch.path)
        let service = try String(contentsOfFile: "\(Self.folder)/service.yml", encoding: .utf8)
        #expect(service.contains("addr: 127.0.0.1:5000"))
        let container = try String(contentsOfFile: "\(Self.folder)/config.yml", encoding: .utf8)
        // Deletion is off for the service, and on in the container, where there is nothing to delete.
        for (name, text, scheme, status) in [
            ("service", service, "http", "405"), ("container", container, "http", "404"),
            ("secured", service.replacing(/(?m)^#(?=[a-z]|  )/, with: ""), "https", "401"),
        ] {
            try scratch.write(
                text.replacing("127.0.0.1:5000", with: "127.0.0.1:0").replacing(
                    "addr: :5000", with: "addr: 127.0.0.1:0"
                )
                .replacing("/var/lib/registry", with: scratch["root"])
                .replacing("/etc/docker/registry", with: scratch.path), to: "\(name).yml")
            let answer = try Command.shell(
                """
                $DRAY serve \(name).yml >access 2>\(name).log & server=$!
                until address=$(grep -om1 'listening on 127.0.0.1:[0-9]*' \(name).log); do kill -0 $server || exit 1; sleep 0.02; done
                curl -sk -o answer -w '%{http_code}' -X DELETE \(scheme)://${address##* }/v2/a/manifests/1
                kill $server && wait $server
                """, in: scratch.path)
            let log = try String(contentsOfFile: scratch["\(name).log"], encoding: .utf8)
            #expect(answer.text == status, "\(name): \(answer.text) \(answer.errors) \(log)")
            #expect(!log.contains("level=error") && (name == "secured" || !log.contains("level=warn")), "\(log)")
        }
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
        #expect(compose.contains(#"command: ["serve", "/etc/registry/config.yml"]"#))
        for line in [
            "ln -s dray /bin/registry", #"VOLUME ["/var/lib/registry"]"#, #"ENTRYPOINT ["/entrypoint.sh"]"#,
            #"CMD ["/etc/docker/registry/config.yml"]"#,
        ] {
            #expect(recipe.contains(line))
        }
    }
}
