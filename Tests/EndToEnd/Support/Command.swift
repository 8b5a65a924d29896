import Foundation
import Testing

/// A program that was run to its end.
struct Command {
    let status: Int32
    let output: Data
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }

    static let package = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// The built binary: `$DRAY`, or where a release build puts it.
    static let dray =
        ProcessInfo.processInfo.environment["DRAY"] ?? package.appending(path: ".build/release/dray").path

    /// For all tests: the user's own is not theirs.
    static let cache = package.appending(path: ".build/test-cache").path

    /// - Parameter shell: a command line; `$DRAY` is the binary.
    @discardableResult
    static func shell(_ shell: String, in directory: String = "/tmp") throws -> Command {
        try run("bash", ["-o", "pipefail", "-c", shell], in: directory)
    }

    static func dray(_ arguments: String...) throws -> Command { try run(dray, arguments) }
    static func dray(_ arguments: [String]) throws -> Command { try run(dray, arguments) }

    /// Runs dray and insists that it succeeds.
    @discardableResult
    static func succeed(
        _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Command {
        let result = try run(dray, arguments)
        #expect(result.status == 0, "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
        return result
    }

    /// Runs a program of the project's, such as `Tests/check-registry`.
    static func script(_ path: String, _ arguments: [String] = []) throws -> Command {
        try run(package.appending(path: path).path, arguments)
    }

    static func run(_ program: String, _ arguments: [String], in directory: String = "/tmp") throws -> Command {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = URL(filePath: directory)
        process.environment = ProcessInfo.processInfo.environment.merging([
            "DRAY": dray, "XDG_CACHE_HOME": cache,
        ]) { $1 }
        let errors = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: errors) }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        try process.start()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Command(
            status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            output: bytes, errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
