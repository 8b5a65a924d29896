import ArgumentParser
import ByteStreams
import ImageModel
import ImageSync
import ImageTransfer

/// `dray sync`
struct SyncCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Copy what the rules of a file say, as far as it is not there yet.",
        usage: "dray sync [<options>] FILE.yml",
        discussion: """
            Each rule has a source, a destination, and what is wanted: tags by name, glob, regular expression, range \
            of semantic versions, or the newest few; platforms; other names. samples/sync has an example and the \
            file's JSON Schema. A list of images without rules is for 'dray copy --from-file'.

            One run does all of it once; start it by cron or a systemd timer. A rule that fails stops no other: \
            what failed is said, and the next run does what is missing.

            Exit codes: 0 all is there, 2 some images or rules failed, 1 all of them failed, 64 the file is wrong.
            """)

    @Argument(help: ArgumentHelp("The file with the rules.", valueName: "file"))
    var file: String

    @Flag(help: "Only say what would be moved, and what is there already.")
    var dryRun = false

    @OptionGroup var prefix: PrefixOption

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var bookkeeping: ReceiptOption

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        let rules = try await Blocking.run { try SyncFile.read(path: file) }
        let places = rules.rules.flatMap { [$0.source, $0.destination] }
        try registry.checkScope(
            places, account: places.filter { rules.registries[$0.location]?.account == nil },
            otherwise: "'registries' in \(file), with 'credentials' for each")
        let runner = ProgressRunner(console, imageLine: dryRun ? nil : CopyListing.line)
        let syncer = Syncer(
            rules, dryRun: dryRun, prefix: prefix.prefix, registry: try registry.options(console, for: places),
            progress: runner.progress)
        var known = CopyReceipt.Places(sources: rules.rules.map(\.source.description))
        let destinations = Dictionary(rules.rules.map { ($0.name, $0.destination) }) { first, _ in first }
        if Set(destinations.values).count == 1 { known.destination = destinations.values.first?.description }
        known.place = { image in image.rule.flatMap { destinations[$0] } }
        let report = try await bookkeeping.keep(ReceiptOption.Places(known), dryRun: dryRun, runner) {
            try await runner.run(ifInterrupted: dryRun ? nil : runner.goingOn) { try await syncer.run() }
        }
        let listing = CopyListing(report)
        try await console.report(listing.rows, text: runner.printsImages ? [] : listing.lines)
        for failure in listing.failures { console.error(Printable.line(failure)) }
        if dryRun { console.note(listing.summary) } else { console.detail(listing.summary) }
        guard !report.failures.isEmpty else { return .done }
        return report.images.isEmpty ? .failed : .partial
    }
}
