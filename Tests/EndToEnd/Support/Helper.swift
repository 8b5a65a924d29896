import Foundation
import Testing

/// A program of the tests that prints its port and runs until its input ends.
final class Helper {
    let port: Int
    private let process = Process()
    private let input = Pipe()

    init(_ name: String, _ arguments: [String]) throws {
        process.executableURL = Command.package.appending(path: "Tests/\(name)")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = input
        process.standardError = FileHandle.standardError
        try process.start()
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let piece = output.fileHandleForReading.availableData
            if piece.isEmpty { break }
            line += piece
        }
        port = try #require(Int(String(decoding: line, as: UTF8.self).trimmed))
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
