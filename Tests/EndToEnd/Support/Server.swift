import Foundation
import Testing

/// A registry serving one storage directory: `dray serve`, or the original, Debian's docker-registry.
///
/// With `DRAY_TESTS_SERVER=docker-registry` the tests of the server run against the original: that checks the tests.
final class Server {
    enum Program: Sendable {
        case dray, original

        static let underTest: Program =
            ProcessInfo.processInfo.environment["DRAY_TESTS_SERVER"] == "docker-registry" ? .original : .dray
        static var isOriginal: Bool { underTest == .original }

        var path: String { self == .dray ? Command.dray : "/usr/bin/docker-registry" }
    }

    /// Pieces of `config.yml`, each a flow mapping's inside or whole lines.
    struct Settings {
        var allowsDeletion = true
        /// Beside `level`.
        var log = ""
        /// Beside `filesystem` and `delete`.
        var storage = ""
        /// `s3` instead of `filesystem`.
        var bucket: String?
        /// Beside `addr`.
        var http = ""
        /// Whole lines at the top level.
        var top = ""
        var environment: [String: String] = [:]
        /// A program that is given the server's command line, and becomes it.
        var launcher: String?
    }

    struct DidNotStart: Error, CustomStringConvertible {
        var description: String
    }

    let program: Program
    let root: String
    let config: String
    private let scratch: Scratch
    private let environment: [String: String]
    private let launcher: String?
    private let arguments: [String]
    private var process = Process()
    /// Files, one for each start.
    private var logs: [String] = []
    private var accessLogs: [String] = []
    /// `127.0.0.1:PORT`; another port after each start.
    private(set) var address = ""

    /// - Parameters:
    ///   - scratch: for its files; a directory of its own unless given.
    ///   - root: the storage directory; `root` in `scratch` unless given.
    init(
        _ settings: Settings = Settings(), in scratch: Scratch? = nil, root: String? = nil,
        program: Program = .underTest
    ) throws {
        let scratch = try scratch ?? Scratch()
        self.program = program
        self.scratch = scratch
        self.root = root ?? scratch["root"]
        environment = settings.environment
        launcher = settings.launcher
        let name = "config-\(UUID().uuidString.prefix(8)).yml"
        config = scratch[name]
        arguments = ["serve", config]
        // The original wants its schema1 turned on.
        let schema1 = program == .original ? "compatibility: {schema1: {enabled: true}}" : ""
        try scratch.write(
            """
            version: 0.1
            log: {level: info\(settings.log.isEmpty ? "" : ", \(settings.log)")}
            storage: {\(settings.bucket.map { "s3: {\($0)}" } ?? "filesystem: {rootdirectory: \(self.root)}"), delete: {enabled: \(settings.allowsDeletion)}\
            \(settings.storage.isEmpty ? "" : ", \(settings.storage)")}
            http: {addr: "127.0.0.1:0"\(settings.http.isEmpty ? "" : ", \(settings.http)")}
            \(schema1)
            \(settings.top)

            """, to: name)
        try start()
    }

    /// `dray serve` of references; there is no configuration, and no storage directory.
    init(serving references: [String], in scratch: Scratch) throws {
        program = .dray
        self.scratch = scratch
        (root, config, environment, launcher) = ("", "", [:], nil)
        arguments = ["serve", "--addr", "127.0.0.1:0"] + references
        try start()
    }

    deinit {
        if process.isRunning { kill() }
    }

    var log: String { Self.text(of: logs) }
    var accessLog: String { Self.text(of: accessLogs) }
    var isRunning: Bool { process.isRunning }

    /// Starts it, again if need be, and returns when it listens.
    func start() throws {
        let name = "server-\(UUID().uuidString.prefix(8)).log"
        let access = "access-\(UUID().uuidString.prefix(8)).log"
        for name in [name, access] { try scratch.write("", to: name) }
        logs.append(scratch[name])
        accessLogs.append(scratch[access])
        process = Process()
        process.executableURL = URL(filePath: launcher ?? program.path)
        process.arguments = (launcher == nil ? [] : [program.path]) + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // With storage.s3 the original does not start where this is set.
        process.environment?["AWS_CA_BUNDLE"] = nil
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: scratch[access]))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: scratch[name]))
        try process.start()
        let deadline = Date.now + 60
        while Date.now < deadline {
            if let found = try String(contentsOfFile: scratch[name], encoding: .utf8)
                .firstMatch(of: /listening on ([0-9.]+:[0-9]+)/)
            {
                address = String(found.1)
                return
            }
            guard process.isRunning else { throw DidNotStart(description: log) }
            usleep(2000)
        }
        throw DidNotStart(description: "says nothing of listening: \(log)")
    }

    /// Ends it as a service manager does.
    ///
    /// - Returns: its exit status.
    @discardableResult
    func stop() -> Int32 {
        terminate()
        return waitUntilExit()
    }

    /// Asks it to end, and does not wait.
    func terminate() { process.terminate() }

    func waitUntilExit() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Tells it to read its files again, as a terminal does that goes away.
    func hangUp() { Glibc.kill(process.processIdentifier, SIGHUP) }

    /// Stops it where it is: it says nothing until it is resumed.
    func suspend() { Glibc.kill(process.processIdentifier, SIGSTOP) }
    func resume() { Glibc.kill(process.processIdentifier, SIGCONT) }

    /// The bytes that it has read so far, from files and sockets.
    func bytesRead() throws -> Int {
        let counts = try String(contentsOfFile: "/proc/\(process.processIdentifier)/io", encoding: .utf8)
        return try #require(counts.firstMatch(of: /rchar: (\d+)/).flatMap { Int($0.1) })
    }

    /// The most memory that it has had, in bytes.
    var peakMemory: Int {
        get throws {
            let status = try Command.shell("grep VmHWM /proc/\(process.processIdentifier)/status").text
            return try #require(status.firstMatch(of: /([0-9]+) kB/).flatMap { Int($0.1) }) << 10
        }
    }

    /// Seconds of processor time that it has had.
    var processorTime: Double {
        get throws {
            let status = try Command.shell("cut -d ' ' -f 14,15 /proc/\(process.processIdentifier)/stat").text
            let ticks = status.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            return ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// Ends it as a power cut does.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func text(of files: [String]) -> String {
        files.map { (try? String(contentsOfFile: $0, encoding: .utf8)) ?? "" }.joined()
    }

    /// Removes what nothing refers to, by a program's own collection: with dray at once, with no time of grace.
    ///
    /// - Parameter program: whose; the server's own unless given.
    @discardableResult
    func collectGarbage(_ options: String..., program: Program? = nil) throws -> Command {
        let program = program ?? self.program
        let grace = program == .dray ? ["--grace", "0"] : []
        return try Command.run(program.path, ["garbage-collect"] + grace + options + [config])
    }
}

/// Runs checks whose answers the original gives otherwise: against dray they have to hold, against the original to fail.
///
/// - Parameters:
///   - why: what the original does.
///   - isSometimes: it does so now and then.
func unlikeTheOriginal(
    _ why: Comment, isSometimes: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
    _ checks: () throws -> Void
) throws {
    try withKnownIssue(
        why, isIntermittent: isSometimes, sourceLocation: sourceLocation, checks,
        when: { Server.Program.isOriginal })
}
