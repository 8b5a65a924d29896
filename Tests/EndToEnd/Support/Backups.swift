import Foundation
import Testing

/// Backups as tests look at them, without dray.
enum Backups {
    static let fill = Command.package.appending(path: "samples/tools/fill-registry").path

    /// Repositories with ten tags and more each.
    static let repositories = Samples.isLong ? 50 : 5

    static func fill(_ address: String, round: Int = 1, repositories: Int = repositories) throws {
        let filled = try Command.run(
            fill, [address, "--repositories", "\(repositories)", "--round", "\(round)", "--layer", "512"])
        try #require(filled.status == 0, "\(filled.errors)")
    }

    /// Every tag of a registry and all that belongs to it, each read and hashed.
    static func content(
        ofRegistry address: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String] {
        let list = try Command.script("Tests/check-registry", [address, "--list"])
        #expect(list.status == 0, "\(list.errors)", sourceLocation: sourceLocation)
        return list.lines
    }

    /// Likewise of a snapshot.
    static func content(
        of snapshot: String, in backup: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String] {
        let list = try Command.script("Tests/check-backup", [backup, snapshot])
        #expect(list.status == 0, "\(list.errors)", sourceLocation: sourceLocation)
        return list.lines
    }

    /// Reads all snapshots whole.
    ///
    /// - Returns: how many there are.
    @discardableResult
    static func check(_ backup: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
        let checked = try Command.script("Tests/check-backup", [backup])
        #expect(checked.status == 0, "\(checked.errors)", sourceLocation: sourceLocation)
        return try #require(Int(checked.text.trimmed))
    }

    /// Backs up and says which snapshot came out.
    static func run(
        _ source: String, to backup: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Report {
        let result = try Command.dray("backup", "--output", "json", source, backup)
        #expect(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
        return try JSONDecoder().decode(Report.self, from: result.output)
    }

    /// What `dray backup` and `dray restore` print in JSON.
    struct Report: Decodable {
        struct Image: Decodable {
            var repository: String?
            var tag: String?
            var digest: String
            var before: String?
            var bytesMoved: Int64
        }

        var snapshot: String?
        var images: [Image]
        var removed: [Row]?
        var bytesMoved: Int64
        var bytesSkipped: Int64
        var bytesFree: Int64?
    }

    /// What `dray snapshots` prints in JSON.
    struct Snapshot: Decodable {
        struct Missing: Decodable { var name: String? }

        var id: String
        var repositories: [String]
        var tags: Int
        var bytes: Int64
        var uniqueBytes: Int64
        var missing: [Missing]
    }

    static func snapshots(_ backup: String) throws -> [Snapshot] {
        try JSONDecoder().decode(
            [Snapshot].self, from: Command.succeed("snapshots", "--output", "json", backup).output)
    }
}
