import ArgumentParser
import DrayKit
import ImageBackup
import ImageModel
import ImageTransfer

/// `dray backup`
struct BackupCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Back up repositories, or a whole registry or store, as a dated snapshot.",
        usage: "dray backup [<options>] SOURCE... DIRECTORY",
        discussion: """
            Takes all tags, platforms, signatures and other referrers of the sources into a new snapshot in \
            DIRECTORY. Blobs lie there once for all snapshots, and only what is new is moved. A '*' in a \
            repository's name stands for any characters, '/' among them. A snapshot is there when it is complete, \
            or not at all; what is killed is carried on by the next run.

            Every snapshot is made of OCI layouts, one for each repository, for any tool to read:
              skopeo copy oci:DIRECTORY/snapshots/latest/team/app:1.2 docker://HOST/team/app:1.2
            Such a tool must not write or collect garbage there: the blobs are those of all snapshots.

            Examples:
              dray backup docker://registry.example:5000/ /backup
              dray backup 'docker://registry.example:5000/team/*' /backup
              dray backup --dry-run store:/var/lib/registry /backup
              dray forget --keep-daily 7 --keep-weekly 5 /backup && dray prune /backup
            """)

    @Argument(help: ArgumentHelp("What to back up, and last the directory of the backup.", valueName: "reference"))
    var references: [String] = []

    @OptionGroup var platforms: PlatformArguments

    @Option(help: ArgumentHelp("Number of blobs and images to copy in parallel.", valueName: "number"))
    var jobs = CopyOptions().jobs

    @Flag(help: "Only say what would be moved, what is there already, and whether there is room.")
    var dryRun = false

    @Flag(help: "Leave out what cannot be read, and note that in the snapshot (exit code 2).")
    var keepGoing = false

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var bookkeeping: ReceiptOption

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard references.count >= 2 else {
            throw ValidationError(
                references.isEmpty
                    ? "Missing SOURCE and DIRECTORY"
                    : "Missing DIRECTORY: where is the backup of '\(references[0])' to go?")
        }
        guard jobs >= 1 else { throw ValidationError("--jobs has to be at least 1") }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let last = references[references.count - 1]
        guard ImageReference.registry(last) == nil else {
            throw ValidationError(
                "'\(ImageReference.printable(last))': not a directory; the backup's directory comes last: "
                    + "dray backup \(ImageReference.printable(last)) \(ImageReference.printable(references[0]))")
        }
        try PathHints.checkNew(last)
        let reader = ReferenceReader()
        var sources = NamedSources(reader)
        for text in references.dropLast() { try sources.add(text) }
        guard sources.references.allSatisfy({ !$0.isStandardStream }) else {
            throw ValidationError("A backup is made of what can be read again, and not of standard input")
        }
        try registry.checkScope(sources.references)
        // In one form, whatever was typed; what could not be opened, as it was typed.
        let named =
            sources.failures.isEmpty ? sources.references.map(\.description) : Array(references.dropLast())
        let backup = Backup(path: references[references.count - 1])
        let runner = ProgressRunner(console, imageLine: dryRun ? nil : CopyListing.line)
        let dray = try registry.session(console, for: sources.references, reader, jobs: jobs)
        var snapshot: Snapshot?
        var freeBytes: Int64?
        let places = ReceiptOption.Places(
            CopyReceipt.Places(sources: sources.references.map(\.description), destination: backup.path))
        let report = try await bookkeeping.keep(places, dryRun: dryRun, runner) { [sources] in
            let opened = try await OpenedSources(sources, in: dray, keepGoing: keepGoing, runner.progress)
            let destination = try await backup.newSnapshot(of: named, dryRun: dryRun)
            destination.leaveOut(opened.failures)
            let report = try await opened.report(copyOptions) {
                try await runner.copy($0, to: destination, copyOptions)
            }
            (snapshot, freeBytes) = (destination.snapshot, try await destination.freeSpace())
            places.note { $0.snapshot = destination.snapshot?.id.description }
            return report
        }
        let listing = BackupListing(report: report, snapshot: snapshot, freeBytes: freeBytes)
        try await console.report(
            listing.document, text: runner.printsImages ? listing.summary : listing.lines)
        for failure in listing.failures { console.error(Printable.line(failure)) }
        return ExitStatus(report)
    }

    private var copyOptions: CopyOptions {
        var options = CopyOptions()
        options.jobs = jobs
        options.dryRun = dryRun
        options.keepGoing = keepGoing
        options.platforms = platforms.choice
        options.names.platform = "--platform"
        return options
    }
}
