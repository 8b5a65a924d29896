import Foundation
import Testing

/// What `samples/backup` promises.
struct BackupSampleTests {
    private static let folder = Command.package.appending(path: "samples/backup").path

    @Test func theWalkThroughWorks() throws {
        let walk = try Command.run("\(Self.folder)/walk-through", [])
        #expect(walk.status == 0, "\(walk.text)\n\(walk.errors)")
        #expect(walk.lines.last == "the walk is done: every answer was as expected")
    }

    /// systemd itself reads the units, and thinks the service is safe.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")))
    func theUnitsAreInOrder() throws {
        let scratch = try Scratch()
        for unit in ["dray-backup.service", "dray-backup.timer"] {
            let text = try String(contentsOfFile: "\(Self.folder)/\(unit)", encoding: .utf8)
            try scratch.write(text.replacing("/usr/bin/dray", with: Command.dray), to: unit)
        }
        let verify = try Command.run(
            "systemd-analyze",
            ["verify", "--man=no", scratch["dray-backup.service"], scratch["dray-backup.timer"]])
        #expect(verify.status == 0 && verify.errors.isEmpty, "\(verify.errors)")
        let security = try Command.run(
            "systemd-analyze", ["security", "--offline=yes", "--threshold=15", scratch["dray-backup.service"]])
        #expect(security.status == 0, "\(security.text)")
    }

    /// Both nightly runs give the commands arguments that they take.
    @Test(arguments: ["dray-backup.service", "cronjob.yaml"])
    func theCommandsRunAsTheyStand(_ file: String) throws {
        let scratch = try Scratch()
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), "store:\(scratch["store"])")
        let text = try String(contentsOfFile: "\(Self.folder)/\(file)", encoding: .utf8)
        let commands = text.matches(of: #/(?m)dray ((backup|forget|prune) .*)$/#).map { $0.1.replacing("\"", with: "") }
        #expect(commands.count == 3)
        for command in commands {
            let result = try Command.shell(
                "SOURCE=store:\(scratch["store"]) DIRECTORY=\(scratch["backup"]); $DRAY \(command)")
            #expect(result.status == 0, "\(command): \(result.errors)")
        }
        #expect(try Backups.check(scratch["backup"]) == 1)
    }
}
