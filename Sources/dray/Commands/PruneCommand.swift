import ArgumentParser
import DrayKit
import ImageModel

/// `dray prune`
struct PruneCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Free what no snapshot of a backup needs.",
        discussion: """
            Removes the blobs that only forgotten snapshots had, and what killed runs have left. It refuses while a \
            backup or a restore is running, and while a manifest cannot be read, because that may need any blob \
            (exit code 3).
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "directory"))
    var directory: String

    @Flag(help: "Say what would be removed, and change nothing.")
    var dryRun = false

    @OptionGroup var shared: SharedOptions

    private struct Document: Encodable, Sendable {
        var blobs: [Digest]
        var bytes: Int64
        var kept: Int
        var dryRun: Bool
    }

    func run(_ console: Console) async throws -> ExitStatus {
        if !Backup.isThere(directory), (try? ReferenceReader().read(directory))?.transport == .store {
            throw ValidationError(
                "'\(directory)': a registry's storage, not a backup; use: dray gc \(directory)")
        }
        let report = try await Backup(path: directory).prune(dryRun: dryRun)
        for note in report.notes { console.note(Printable.line(note)) }
        for digest in report.digests { console.detail("\(dryRun ? "would remove" : "removed") \(digest)") }
        try await console.report(
            Document(blobs: report.digests, bytes: report.bytes, kept: report.kept, dryRun: dryRun),
            text: [
                "\(report.digests.count == 1 ? "1 blob" : "\(report.digests.count) blobs"), \(report.bytes) bytes "
                    + "(\(ByteCount(report.bytes))) \(dryRun ? "to free" : "freed"); \(report.kept) blobs stay"
            ])
        return .done
    }
}
