import ArgumentParser
import ByteStreams
import DrayKit
import ImageModel
import ImageTransfer

/// `dray verify`
struct VerifyCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that everything is there and sound, and mend it from a copy.",
        discussion: """
            Every manifest is walked and every blob is read once, and compared with its digest and size; in a store \
            and a layout also what no image needs. In a store every link is followed; the directory of a backup is \
            verified with all its snapshots. --deep inflates the layers, follows their tars, and compares their \
            diffIDs with the configs. Each finding says what is wrong, which images cannot be pulled, and what to \
            do. Damage ends in exit code 3; remarks (blobs that nothing needs, foreign files, leftovers) do not.

            --repair-from fetches what is missing or damaged, checks it, and puts it in its place; links that are \
            missing to content that is there are made anew. Nothing is guessed, and what is sound is not touched. \
            The exit code is 0 when all is mended. dray may serve the store, or copy into it, meanwhile.

            Examples:
              dray verify store:/var/lib/registry
              dray verify --deep --resume progress.verify oci:images
              dray verify images.tar /backup
              dray verify --repair-from docker://mirror.example --quarantine store:/var/lib/registry
            """)

    @Argument(help: ArgumentHelp("What to verify: whole, or an image or a repository of it.", valueName: "target"))
    var targets: [String]

    @Flag(help: "Inflate the layers, follow their tars, and compare their diffIDs with the configs.")
    var deep = false

    @Option(
        help: ArgumentHelp(
            "Remember in FILE what was read, and go on with it after an interruption. It is removed at the end.",
            valueName: "file"))
    var resume: String?

    @Option(
        name: .customLong("repair-from"), parsing: .singleValue,
        help: ArgumentHelp("Mend what is damaged with what is sound there; may be repeated.", valueName: "source"))
    var repairSources: [String] = []

    @Flag(help: "Keep what is replaced, in .dray/quarantine below the target.")
    var quarantine = false

    @Option(help: ArgumentHelp("Read so many blobs at once.", valueName: "number"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "Refuse a layer or archive that inflates further than RATIO:1, once it has given 64 MiB.",
            valueName: "ratio"))
    var maxInflation = InflationLimit.standard.ratio

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard jobs ?? 1 >= 1 else { throw ValidationError("--jobs has to be at least 1") }
        guard maxInflation >= 1 else { throw ValidationError("--max-inflation has to be at least 1") }
        guard resume == nil || targets.count == 1 else { throw ValidationError("--resume is for one target") }
        guard repairSources.isEmpty || targets.count == 1 else {
            throw ValidationError("--repair-from mends one target")
        }
        guard !quarantine || !repairSources.isEmpty else {
            throw ValidationError("--quarantine keeps what --repair-from replaces")
        }
    }

    private var registries: [ImageReference] { (targets + repairSources).compactMap(ImageReference.registry) }

    private var options: VerifyOptions {
        var options = VerifyOptions()
        options.isDeep = deep
        options.inflation.ratio = maxInflation
        options.jobs = jobs
        options.journal = resume
        return options
    }

    /// What is in no directory of this machine is not remembered.
    private static func goingOn(with journal: String?) -> String {
        guard let journal else { return "with --resume FILE, the verification of a directory can be gone on with" }
        let isKept = (try? VerifyJournal.remembersAnything(journal)) ?? false
        return isKept
            ? "run the same command again: \(journal) remembers what was read" : "nothing of it can be gone on with"
    }

    func run(_ console: Console) async throws -> ExitStatus {
        if let resume { try PathHints.checkNew(resume) }
        try registry.checkScope(registries)
        let dray = try registry.session(
            console, for: registries, ReferenceReader(inflation: options.inflation), jobs: jobs)
        let runner = ProgressRunner(console)
        let journal = resume
        let (reports, failures) = try await runner.run(ifInterrupted: Self.goingOn(with: journal)) {
            var reports: [VerifyReport] = []
            var failures: [any Error] = []
            for target in targets {
                do {
                    reports.append(try await report(on: target, dray, runner.progress, console))
                } catch let error where targets.count > 1 && !(error is CancellationError) {
                    // What was found out about the others is told all the same.
                    console.error(
                        Printable.line("\(ImageReference.printable(target)) was not verified: \(error)"))
                    failures.append(error)
                }
            }
            return (reports, failures)
        }
        let listings = reports.map { VerifyListing($0, isBrief: shared.quiet) }
        try await console.report(listings.map(\.document), text: listings.flatMap(\.lines))
        guard reports.allSatisfy({ $0.damage.isEmpty }) else { return .damaged }
        return failures.first.map { ExitStatus(for: $0) } ?? .done
    }

    private func report(
        on target: String, _ dray: Dray, _ progress: Progress, _ console: Console
    ) async throws -> VerifyReport {
        let subject: VerifiedSubject
        let place: any VerifiedPlace
        do {
            subject = try VerifiedSubject(target, dray.references)
            place = try await dray.verifiedPlace(subject)
        } catch  where ExitStatus(for: error) == .damaged {
            // An archive that breaks off cannot even be opened.
            guard repairSources.isEmpty else { throw error }
            return VerifyReport(unreadable: target, error: error)
        }
        guard !repairSources.isEmpty else {
            return try await Verifier(options: options, progress: progress).verify(
                place, named: subject.name, digest: subject.digest)
        }
        let destination = try await dray.mendablePlace(subject, keepsReplaced: quarantine)
        var sources: [RepairSource] = []
        for text in repairSources {
            let source = try VerifiedSubject(text, dray.references)
            guard try !source.isSamePlace(as: subject) else {
                throw ValidationError("'\(text)' would be mended from itself")
            }
            sources.append(
                RepairSource(try await dray.verifiedPlace(source), name: source.name, digest: source.digest))
        }
        let report = try await Repairer(options: options, progress: progress).repair(
            { try await dray.verifiedPlace(subject) }, through: destination,
            from: sources, named: subject.name, digest: subject.digest)
        for failure in report.failures { console.note(Printable.line("not mended: \(failure)")) }
        if !report.mended.isEmpty { for advice in await destination.advice() { console.note(advice) } }
        return report
    }
}
