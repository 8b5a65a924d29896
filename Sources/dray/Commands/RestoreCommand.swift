import ArgumentParser
import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryClient

/// `dray restore`
struct RestoreCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Bring a backup's images back, as they were at a date.",
        discussion: """
            Everything of a snapshot, or the repositories and tags that --image names, goes to a registry, a \
            store, an archive or a layout: digests, tags and referrers as they were. What is there already is not \
            moved again. A tag that means something else there comes to mean what it meant; nothing else is taken \
            away, unless --mirror says so.

            Examples:
              dray restore /backup docker://registry.example:5000/
              dray restore --snapshot 2026-11-24 --image team/app /backup store:/var/lib/registry
              dray restore --dry-run --mirror /backup docker://registry.example:5000/
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "directory"))
    var directory: String

    @Argument(help: ArgumentHelp("Where the images go.", valueName: "target"))
    var target: String

    @Option(
        help: ArgumentHelp(
            "A snapshot's ID; or a date, as 2026-11-24 or 2026-11-24T02:00Z, for the newest one of it or before. (default: the newest)",
            valueName: "id|date"))
    var snapshot: String?

    @Option(
        name: .customLong("image"), parsing: .singleValue,
        help: ArgumentHelp(
            "Restore only this: REPOSITORY, with '*' for any characters, or REPOSITORY:TAG; may be repeated.",
            valueName: "name"))
    var images: [String] = []

    @OptionGroup var prefix: PrefixOption

    @Flag(help: "Take away what the target has and the snapshot has not; with --image, in those repositories.")
    var mirror = false

    @Option(help: ArgumentHelp("Move so many blobs at once.", valueName: "number"))
    var jobs = CopyOptions().jobs

    @Flag(help: "Only say what would change.")
    var dryRun = false

    @Flag(help: "Go on with the other images when one fails (exit code 2).")
    var keepGoing = false

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var bookkeeping: ReceiptOption

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard jobs >= 1 else { throw ValidationError("--jobs has to be at least 1") }
        for name in images where ImageName(withoutHost: name) == nil && RepositoryPattern(name) == nil {
            throw ValidationError("--image '\(name)' is no REPOSITORY[:TAG]")
        }
        if mirror, let name = images.first(where: { $0.contains(":") }) {
            throw ValidationError("--mirror needs whole repositories, and '\(name)' is a tag")
        }
        guard !mirror || prefix.prefix == nil else {
            throw ValidationError(
                "--mirror compares the target with the snapshot, so it cannot be combined with --prefix")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let target = try ImageReference(target)
        if mirror, !target.transport.isEditable || target.name != nil {
            throw ValidationError("--mirror needs all of a registry, a store or a layout, and not '\(target)'")
        }
        if target.isStandardOutput, StandardOutput.isTerminal, !dryRun {
            throw ValidationError("An archive is not written to a terminal: redirect it to a file or a pipe")
        }
        let backup = Backup(path: directory)
        let source = try await backup.source(of: backup.snapshot(snapshot))
        console.detail("from \(source.title) (\(source.snapshot.id))")
        var options = try registry.options(console, jobs: jobs)
        options.fallbackTags = mirror ? .exact : .merged
        options.deletesManifests = false
        let destination = try await target.destination(options)
        let difference = SnapshotMirror(source, of: images.isEmpty ? nil : images)
        var editor: (any ImageEditor)?
        var extras: [SnapshotMirror.Extra] = []
        if mirror, try isThere(target) {
            let place = try await target.editor(options)
            extras = try await difference.extras(in: place)
            editor = place
        }
        let selections =
            images.isEmpty
            ? [CopySelection(source: source)] : images.map { CopySelection(source: source, name: $0) }
        let runner = ProgressRunner(console)
        let report = try await bookkeeping.keep(of: source.references, dryRun: dryRun, runner) {
            var report = try await runner.copy(selections, to: destination, copyOptions)
            if let editor, !dryRun {
                report.failures += try await difference.remove(extras, from: editor)
            }
            return report
        }
        let listing = RestoreListing(
            report, removed: extras, before: dryRun ? try await meanings(of: report, at: destination) : nil,
            freeBytes: try await destination.freeSpace())
        try await console.report(listing.document, text: listing.lines, toStandardError: target.isStandardOutput)
        for failure in listing.failures { console.error(Printable.line(failure)) }
        return ExitStatus(report)
    }

    private func isThere(_ target: ImageReference) throws -> Bool {
        try target.transport == .registry || fileKind(target.location) != nil
    }

    /// What the names mean that are going to be given.
    private func meanings(
        of report: CopyReport, at destination: any ImageDestination
    ) async throws -> [ImageName: Digest] {
        var meanings: [ImageName: Digest] = [:]
        for image in report.images where image.name.tag != nil {
            meanings[image.name] = try await destination.digest(of: image.name)
        }
        return meanings
    }

    private var copyOptions: CopyOptions {
        var options = CopyOptions()
        options.jobs = jobs
        options.dryRun = dryRun
        options.keepGoing = keepGoing
        options.strict = true
        options.prefix = prefix.prefix
        options.names.prefix = "--prefix"
        options.compression = .keep
        return options
    }
}
