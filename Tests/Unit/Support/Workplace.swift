import Foundation
import TarArchive

/// A directory for the files and trees of one test, gone afterwards.
final class Workplace: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "look-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// - Returns: its path.
    @discardableResult
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let url = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }

    /// Packs a file with a program, which reads standard input.
    func packed(_ bytes: [UInt8], _ program: String) throws -> [UInt8] {
        let plain = try file("plain", bytes)
        let packing = Process()
        packing.executableURL = URL(filePath: "/bin/sh")
        packing.arguments = ["-c", "\(program) < \(plain) > \(plain).packed"]
        try packing.run()
        packing.waitUntilExit()
        return Array(try Data(contentsOf: URL(filePath: "\(plain).packed")))
    }

    /// The members of a tree, as a directory; what ends in a slash is a directory.
    func directory(_ name: String, _ members: [Member]) throws -> String {
        let root = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for member in members {
            if member.path.hasSuffix("/") {
                try FileManager.default.createDirectory(
                    atPath: "\(root)/\(member.path)", withIntermediateDirectories: true)
            } else {
                try file("\(name)/\(member.path)", member.content)
            }
        }
        return root
    }

    /// A file in a tree.
    struct Member: Sendable {
        var path: String
        var content: [UInt8]

        init(_ path: String, _ text: String = "x") { (self.path, content) = (path, Array(text.utf8)) }

        init(_ path: String, bytes: [UInt8]) { (self.path, content) = (path, bytes) }

        /// Likewise in a directory.
        func below(_ directory: String) -> Member { Member("\(directory)/\(path)", bytes: content) }
    }

    /// The members as a tar.
    static func tar(_ members: [Member]) -> [UInt8] {
        members.flatMap { member -> [UInt8] in
            let isDirectory = member.path.hasSuffix("/")
            let size = Int64(isDirectory ? 0 : member.content.count)
            return TarFormat.header(path: member.path, size: size, isDirectory: isDirectory)
                + (isDirectory ? [] : member.content + TarFormat.padding(after: size))
        } + TarFormat.end
    }
}
