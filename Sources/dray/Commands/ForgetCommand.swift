import ArgumentParser
import ImageBackup
import ImageModel

/// `dray forget`
struct ForgetCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Take snapshots out of a backup.",
        discussion: """
            Either those that are named, or all but those that the --keep options keep: the newest ones, and the \
            newest one of each of the last hours, days, weeks, months and years that have any (in UTC), for each \
            set of sources by itself. 'dray prune' then frees the space.

            Examples:
              dray forget --dry-run --keep-daily 7 --keep-weekly 5 --keep-monthly 12 /backup
              dray forget /backup 20261124T020000.123Z
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "directory"))
    var directory: String

    @Argument(help: ArgumentHelp("IDs of the snapshots to take away; latest is the newest one.", valueName: "id"))
    var ids: [String] = []

    @Option(help: ArgumentHelp("Keep the newest snapshots.", valueName: "number")) var keepLast: Int?
    @Option(help: ArgumentHelp("Keep one for each of so many hours.", valueName: "number")) var keepHourly: Int?
    @Option(help: ArgumentHelp("Keep one for each of so many days.", valueName: "number")) var keepDaily: Int?
    @Option(help: ArgumentHelp("Keep one for each of so many weeks.", valueName: "number")) var keepWeekly: Int?
    @Option(help: ArgumentHelp("Keep one for each of so many months.", valueName: "number")) var keepMonthly: Int?
    @Option(help: ArgumentHelp("Keep one for each of so many years.", valueName: "number")) var keepYearly: Int?

    @Flag(help: "Say what would be taken away, and change nothing.")
    var dryRun = false

    @OptionGroup var shared: SharedOptions

    private struct Row: Encodable, Sendable {
        var id: SnapshotID
        /// References.
        var sources: [String]
        var kept: Bool
        var dryRun: Bool?
    }

    private var numbers: [Int?] { [keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly] }

    func validate() throws {
        guard numbers.allSatisfy({ $0 ?? 0 >= 0 }) else { throw ValidationError("A --keep number is 0 or more") }
        guard ids.isEmpty != policy.keepsNothing else {
            throw ValidationError(
                ids.isEmpty
                    ? "name snapshots to remove, or say how many to keep, e.g. --keep-last 2"
                    : "Snapshots are either named or chosen by --keep options")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        if let other = ids.first, !Backup.isThere(directory), Backup.isThere(other) {
            throw ValidationError("'\(other)' is the backup; swap the arguments: dray forget \(other) \(directory)")
        }
        let backup = Backup(path: directory)
        let snapshots = try await backup.snapshots()
        let kept: Set<SnapshotID>
        if ids.isEmpty {
            kept = policy.kept(of: snapshots)
        } else {
            kept = Set(snapshots.map(\.id)).subtracting(try named(snapshots))
        }
        let forgotten = Set(snapshots.map(\.id)).subtracting(kept)
        if !dryRun { try await backup.forget(forgotten) }
        let rows = snapshots.map {
            Row(id: $0.id, sources: $0.sources, kept: kept.contains($0.id), dryRun: dryRun ? true : nil)
        }
        var table = TextTable()
        for row in rows {
            table.add(
                "\(row.id)", row.id.date, row.kept ? "kept" : dryRun ? "to forget" : "forgotten",
                Printable.line(row.sources.joined(separator: " ")))
        }
        try await console.report(rows, text: table.lines())
        return .done
    }

    /// Exact IDs, or `latest`: what a date means depends on what else is there.
    private func named(_ snapshots: [Snapshot]) throws -> [SnapshotID] {
        try ids.map { text in
            if text == "latest", let newest = snapshots.map(\.id).max() { return newest }
            guard let id = SnapshotID(text), snapshots.contains(where: { $0.id == id }) else {
                throw ImageError.notFound(
                    "\(directory) has no snapshot '\(text)'; 'dray snapshots \(directory)' lists the IDs")
            }
            return id
        }
    }

    private var policy: RetentionPolicy {
        var policy = RetentionPolicy()
        policy.last = keepLast ?? 0
        policy.hourly = keepHourly ?? 0
        policy.daily = keepDaily ?? 0
        policy.weekly = keepWeekly ?? 0
        policy.monthly = keepMonthly ?? 0
        policy.yearly = keepYearly ?? 0
        return policy
    }
}
