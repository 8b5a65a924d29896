import Foundation
import Testing

/// A real Docker Engine with its own storage, for as long as this lives. One at a time: engines share the host's networks.
final class DockerEngine {
    let socket: String
    private let scratch: Scratch
    private let process = Process()

    /// - Parameter scratch: for its storage, images and containers.
    init(in scratch: Scratch) throws {
        self.scratch = scratch
        socket = scratch["docker.sock"]
        process.executableURL = URL(filePath: "/usr/sbin/dockerd")
        process.arguments = [
            "--data-root", scratch["engine"], "--exec-root", scratch["exec"], "--pidfile", scratch["pid"], "--host",
            "unix://\(socket)", "--storage-driver", "vfs", "--iptables=false", "--ip6tables=false", "--bridge", "none",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        _ = FileManager.default.createFile(atPath: scratch["engine.log"], contents: nil)
        process.standardError = try FileHandle(forWritingTo: URL(filePath: scratch["engine.log"]))
        try process.start()
        // curl itself waits until the engine answers.
        let ready = try Command.shell(
            "curl -sf -o /dev/null --retry 600 --retry-all-errors --retry-delay 0 --retry-max-time 60 "
                + "--unix-socket \(socket) http://engine/_ping")
        let log = try String(contentsOfFile: scratch["engine.log"], encoding: .utf8)
        try #require(ready.status == 0, "\(log)")
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// Runs a command line with this engine as `$DOCKER_HOST`, in the scratch directory.
    func shell(_ line: String) throws -> Command {
        try Command.shell("export DOCKER_HOST=unix://\(socket)\n\(line)", in: scratch.path)
    }
}
