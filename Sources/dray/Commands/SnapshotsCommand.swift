import ArgumentParser
import ImageBackup
import ImageModel

/// `dray snapshots`
struct SnapshotsCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshots",
        abstract: "List the snapshots of a backup.",
        discussion: """
            Prints a table with a header, oldest first: the ID of each, when it was made, how many repositories and tags \
            it has, how many bytes it holds, how many of them no other snapshot has, and its sources. With -q, only IDs.
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "directory"))
    var directory: String

    @OptionGroup var shared: SharedOptions

    private struct Row: Encodable, Sendable {
        var id: SnapshotID
        var date: String
        var sources: [String]
        var repositories: [String]
        var tags: Int
        var bytes: Int64
        var uniqueBytes: Int64
        var missing: [Snapshot.Missing]
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let summaries = try await Backup(path: directory).summaries()
        let rows = summaries.map { summary in
            Row(
                id: summary.snapshot.id, date: summary.snapshot.id.date, sources: summary.snapshot.sources,
                repositories: summary.snapshot.repositories, tags: summary.tags, bytes: summary.bytes,
                uniqueBytes: summary.uniqueBytes, missing: summary.snapshot.missing)
        }
        var table = TextTable()
        if !shared.quiet { table.add("ID", "MADE", "REPOSITORIES", "TAGS", "SIZE", "UNIQUE", "SOURCES") }
        for row in rows {
            guard !shared.quiet else {
                table.add("\(row.id)")
                continue
            }
            table.add(
                "\(row.id)", row.date, "\(row.repositories.count)", "\(row.tags)", "\(ByteCount(row.bytes))",
                "\(ByteCount(row.uniqueBytes))",
                Printable.line(row.sources.joined(separator: " "))
                    + (row.missing.isEmpty ? "" : ", without \(row.missing.count) that could not be read"))
        }
        try await console.report(rows, text: table.lines())
        var status = ExitStatus.done
        for summary in summaries {
            for problem in summary.problems {
                console.error(
                    Printable.line(
                        "\(summary.snapshot.id): \(problem.repository) is not counted: \(problem.error); "
                            + "'dray verify' says what is affected"))
                status = .damaged
            }
        }
        return status
    }
}
