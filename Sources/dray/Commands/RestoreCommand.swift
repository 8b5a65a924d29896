import ArgumentParser
import ByteStreams
import DrayKit
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
              dray restore --source docker://registry.example:5000/team /backup store:/var/lib/registry
              dray restore --dry-run --mirror /backup docker://registry.example:5000/
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "directory"))
    var directory: String

    @Argument(help: ArgumentHelp("Where the images go.", valueName: "target"))
    var target: String

    @Option(
        help: ArgumentHelp(
            "A snapshot's ID, or a beginning of it; latest or oldest; or a date, as 2026-11-24 or '2026-11-24 02:00:00' in UTC, for the newest one of it or before. (default: the newest)",
            valueName: "id|date"))
    var snapshot: String?

    @Option(
        name: .customLong("source"), parsing: .singleValue,
        help: ArgumentHelp(
            "Use snapshots of this source, as it was given to 'dray backup'; may be repeated. (default: the target, if the backup has snapshots of several sources)",
            valueName: "reference"))
    var sources: [String] = []

    @Option(
        name: .customLong("image"), parsing: .singleValue,
        help: ArgumentHelp(
            "Restore only this: REPOSITORY, with '*' for any characters, or REPOSITORY:TAG; may be repeated.",
            valueName: "name"))
    var images: [String] = []

    @OptionGroup var prefix: PrefixOption

    @Flag(help: "Take away what the target has and the snapshot has not; with --image, in those repositories.")
    var mirror = false

    @Flag(name: .shortAndLong, help: "Let --mirror remove images without asking.")
    var yes = false

    @Option(
        help: ArgumentHelp(
            "What to do if the target file exists or the target has a tag: error, skip or overwrite. (default: overwrite tags; error for files)",
            valueName: "action"))
    var onExisting: CopyOptions.OnExisting?

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
        guard mirror || !yes else { throw ValidationError("--yes is for --mirror, which removes images") }
        guard !mirror || onExisting == nil else {
            throw ValidationError("--mirror overwrites tags, so it cannot be combined with --on-existing")
        }
        guard !mirror || prefix.prefix == nil else {
            throw ValidationError(
                "--mirror compares the target with the snapshot, so it cannot be combined with --prefix")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        if !Backup.isThere(directory), Backup.isThere(target) {
            throw ValidationError(
                "'\(target)' is the backup; swap the arguments: dray restore \(target) \(ImageReference.printable(directory))"
            )
        }
        let reader = ReferenceReader()
        let target = try reader.read(target, isWritten: true)
        if mirror, !target.transport.isEditable || target.name != nil {
            throw ValidationError("--mirror needs all of a registry, a store or a layout, and not '\(target)'")
        }
        if target.isStandardOutput, StandardOutput.isTerminal, !dryRun {
            throw ValidationError("An archive is not written to a terminal: redirect it to a file or a pipe")
        }
        let runner = ProgressRunner(
            console, imageLine: dryRun ? nil : RestoreListing.line, toStandardError: target.isStandardOutput)
        var known = CopyReceipt.Places(sources: [directory], destination: target.description)
        known.place = { _ in target }
        let places = ReceiptOption.Places(known)
        var listing: RestoreListing?
        let report = try await bookkeeping.keep(places, dryRun: dryRun, runner) {
            try await restore(to: target, reader, console, runner, places, &listing)
        }
        if let listing {
            try await console.report(
                listing.document, text: listing.lines(withImages: !runner.printsImages),
                toStandardError: target.isStandardOutput)
            for failure in listing.failures { console.error(Printable.line(failure)) }
        }
        return ExitStatus(report)
    }

    private func restore(
        to target: ImageReference, _ reader: ReferenceReader, _ console: Console, _ runner: ProgressRunner,
        _ places: ReceiptOption.Places, _ listing: inout RestoreListing?
    ) async throws -> CopyReport {
        let backup = Backup(path: directory)
        let chosen = try await backup.snapshot(snapshot, of: sources, for: target.description)
        let source = try await backup.source(of: chosen)
        console.note(
            Printable.line("restoring snapshot \(chosen.id) of \(chosen.sources.joined(separator: " and "))"))
        places.note { $0.snapshot = chosen.id.description }
        places.retry(source.references)
        let dray = try registry.session(console, for: [target], reader, jobs: jobs) { options in
            options.fallbackTags = mirror ? .exact : .merged
            options.deletesManifests = false
        }
        let destination = try await dray.destination(target)
        let difference = SnapshotMirror(source, of: images.isEmpty ? nil : images)
        var editor: (any ImageEditor)?
        var extras: [SnapshotMirror.Extra] = []
        if mirror, try isThere(target) {
            let place = try await dray.editor(target)
            extras = try await difference.extras(in: place)
            editor = place
            if !dryRun, !extras.isEmpty { try confirm(extras, at: target, console) }
        }
        let selections =
            images.isEmpty
            ? [CopySelection(source: source)] : images.map { CopySelection(source: source, name: $0) }
        var report = try await runner.copy(selections, to: destination, copyOptions)
        if let archive = destination as? ArchiveDestination { places.note { $0.volumes = archive.files } }
        if let editor, !dryRun {
            if report.failures.isEmpty {
                report.failures += try await difference.remove(extras, from: editor)
            } else if !extras.isEmpty {
                console.note("nothing is removed from the target, because some images could not be restored")
                extras = []
            }
        }
        listing = RestoreListing(
            report: report, removed: extras, before: dryRun ? try await meanings(of: report, at: destination) : nil,
            freeBytes: try await (destination as? any OccupiesDisk)?.freeSpace())
        return report
    }

    /// Lists what goes, and asks for it.
    private func confirm(
        _ extras: [SnapshotMirror.Extra], at target: ImageReference, _ console: Console
    ) throws {
        let lines = extras.map { extra in
            "\(extra.image.shortTitle)  \(extra.image.descriptor.digest)  \(extra.isWhole ? "the manifest" : "the tag")"
        }
        let count = extras.count == 1 ? "1 image or tag" : "\(extras.count) images and tags"
        try Confirmation(cause: "--mirror", place: target, count: count, lines: lines).ask(console, yes: yes)
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
        options.onExisting = onExisting ?? .overwrite
        options.onExistingFile = onExisting ?? .error
        options.names.onExisting = "--on-existing"
        return options
    }
}
