import ArgumentParser
import ByteStreams
import DrayKit
import ImageModel
import ObjectStorage
import RegistryClient
import RegistryServer

/// `dray gc`, also as `garbage-collect`
struct CollectCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Delete content that no image needs from a registry's storage (garbage collection).",
        discussion: """
            Deletes blobs that no manifest needs, links to blobs that their repository does not need, the history \
            of tags, and the directories that this leaves empty. With --delete-untagged also manifests without a \
            tag, unless an index that stays lists them or they are attached to one that stays (signatures, SBOMs).

            The content of images that were deleted through dray is freed at once, unless a client has asked for it \
            since. Other content without a manifest may belong to a push in progress: it stays for the grace time, \
            and the output says how much and until when. A read-only registry (storage.maintenance.readonly) has no \
            pushes, so nothing waits.

            If a manifest cannot be read, nothing is deleted, because it may need any blob: exit code 3, and every \
            such manifest is named. dray may serve the store, or copy into it, meanwhile. Stop a registry written in \
            Go or make it read-only first, and restart it afterwards: it caches deleted blobs.

            In a bucket, dray servers and copies may go on meanwhile, on any number of machines. The grace time is \
            at least a minute there, and parts of uploads that were begun a day ago are dropped.

            Examples:
              dray gc --dry-run /etc/registry/config.yml
              dray gc --delete-untagged --quarantine store:/var/lib/registry
              dray gc --undo latest store:/var/lib/registry
              dray gc --dry-run store:s3://images/registry
            """,
        aliases: ["garbage-collect"])

    @Argument(
        help: ArgumentHelp(
            "A registry's config.yml, or its storage: a directory or s3://BUCKET/PREFIX.", valueName: "config|root"))
    var place: String

    @Flag(name: [.customShort("d"), .long], help: "Say what would be deleted, and change nothing.")
    var dryRun = false

    @Flag(name: [.customShort("m"), .long], help: "Delete manifests that no tag leads to as well.")
    var deleteUntagged = false

    @Option(
        help: ArgumentHelp(
            "Keep content that was written or requested within this time: 90s, 30m, 1h, 2d; 0 if no push is in "
                + "progress. (default: 1h; 0 for a read-only registry)",
            valueName: "time"),
        transform: TimeArgument.read)
    var grace: TimeArgument?

    @Flag(help: "Move what goes into ROOT/.dray/quarantine, from where --undo puts it back.")
    var quarantine = false

    @Option(help: ArgumentHelp("Put back what a run moved away: its id, or latest.", valueName: "id"))
    var undo: String?

    @Flag(help: "List the runs whose files are in quarantine.")
    var listQuarantine = false

    @Option(help: ArgumentHelp("Delete what a run moved away: its id, or all.", valueName: "id"))
    var purgeQuarantine: String?

    @Flag(
        help: "In a bucket whose server has no conditional writes: collect, since no other collection runs.")
    var exclusive = false

    @OptionGroup var storage: StorageArguments

    @Option(
        name: .customLong("ca-file"), parsing: .singleValue,
        help: ArgumentHelp("Trust the certificate authorities in this PEM file, too.", valueName: "file"))
    var authorityFiles: [String] = []

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        let others = [undo != nil, listQuarantine, purgeQuarantine != nil].count { $0 }
        guard others == 0 || (others == 1 && !dryRun && !deleteUntagged && !quarantine) else {
            throw ValidationError("--undo, --list-quarantine and --purge-quarantine each stand alone")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let (store, isReadOnly) = try subject(console)
        if let undo { return try await putBack(undo == "latest" ? nil : undo, store, console) }
        if let purgeQuarantine {
            let gone = try await store.purgeQuarantine(purgeQuarantine == "all" ? nil : purgeQuarantine)
            try await report(gone, "deleted", console)
            return .done
        }
        if listQuarantine {
            try await report(try await store.quarantined(), nil, console)
            return .done
        }
        return try await collect(store, isReadOnly: isReadOnly, console)
    }

    private func collect(
        _ store: any CollectedStore, isReadOnly: Bool, _ console: Console
    ) async throws -> ExitStatus {
        var options = CollectionOptions()
        options.dryRun = dryRun
        options.deletesUntagged = deleteUntagged
        if let grace { options.graceTime = grace.duration } else if isReadOnly { options.graceTime = .zero }
        options.quarantines = quarantine
        options.isExclusive = exclusive
        do {
            let report = try await store.collect(options)
            for note in report.notes { console.note(Printable.line(note)) }
            let listing = CollectionListing(report, root: store.title, isBrief: shared.quiet)
            try await console.report(listing.document, text: listing.lines)
            return .done
        } catch let error as ImageError {
            guard let refusal = error.cause as? CollectionRefused else { throw error }
            for problem in refusal.problems { console.error(Printable.line(problem.description)) }
            let count = refusal.problems.count
            let text =
                "\(store.title): nothing is deleted while \(count == 1 ? "something" : "\(count) things") cannot be read "
                + "that may need any blob"
            throw ImageError(error.code, text)
        }
    }

    private func putBack(_ id: String?, _ store: any CollectedStore, _ console: Console) async throws -> ExitStatus {
        let result = try await store.restoreQuarantine(id, isExclusive: exclusive)
        for file in result.occupied {
            console.note(Printable.line("\(file) is in the store again: the quarantine keeps its own"))
        }
        for file in result.foreign {
            console.note(
                Printable.line(
                    "\(file) is not a blob or link of a store, so it is not put back: it stays in the quarantine"))
        }
        struct Document: Encodable, Sendable {
            var id: String
            var restored: Int
            var bytes: Int64
            var occupied: [String]
            var foreign: [String]
        }
        try await console.report(
            Document(
                id: result.id, restored: result.restored, bytes: result.bytes, occupied: result.occupied,
                foreign: result.foreign),
            text: [Printable.line("put back \(result.restored) files of \(result.id), \(ByteCount(result.bytes))")])
        return .done
    }

    private func report(_ entries: [StoreQuarantine.Entry], _ verb: String?, _ console: Console) async throws {
        struct Row: Encodable, Sendable {
            var id: String
            var files: Int
            var bytes: Int64
        }
        var table = TextTable()
        for entry in entries {
            table.add(
                Printable.line((verb.map { "\($0) " } ?? "") + entry.id), "\(entry.files) files",
                "\(ByteCount(entry.bytes))")
        }
        try await console.report(
            entries.map { Row(id: $0.id, files: $0.files, bytes: $0.bytes) }, text: table.lines())
    }

    /// The store that is meant by a reference, a directory or a registry's configuration, and whether that configuration
    /// makes the registry read-only.
    private func subject(_ console: Console) throws -> (store: any CollectedStore, isReadOnly: Bool) {
        let dray = Dray(
            RegistryOptions(),
            storage: storage.settings(authorityFiles: authorityFiles, verifiesTLS: true, console))
        if let bucket = try BucketName(place) { return (try dray.collectedStore("\(bucket)"), false) }
        if place.hasPrefix(ImageReference.Transport.store.prefix) {
            let reference = try ReferenceReader().read(place)
            guard reference.name == nil, reference.digest == nil else {
                throw ImageError.usage("\(place): garbage is collected in a whole store: store:\(reference.location)")
            }
            let root = reference.isBucket ? reference.location : try directory(reference.location)
            return (try dray.collectedStore(root), false)
        }
        if try fileKind(place) == nil, ImageReference.registry(place) != nil {
            throw ImageError.usage(
                "'\(ImageReference.printable(place))': a registry collects its own garbage; on its machine, run: dray gc "
                    + "CONFIG.yml, or dray gc STORE")
        }
        switch try fileKind(place) {
        case .file:
            let storage = try ServerConfiguration.read(path: place, environment: ProcessEnvironment.variables)
                .configuration.storage
            let store: any CollectedStore =
                if let bucket = storage.bucket { StoreBucket(try bucket.place) } else {
                    try dray.collectedStore(storage.root)
                }
            return (store, storage.isReadOnly)
        case .directory: return (try dray.collectedStore(place), false)
        case .link, .other, nil: throw ImageError.notFound("there is no \(place), neither a config.yml nor a store")
        }
    }

    private func directory(_ path: String) throws -> String {
        guard try fileKind(path) != .file else {
            throw ImageError.refused(
                "\(path) is an archive of a store, which is not changed where it is: unpack it first")
        }
        return path
    }
}
