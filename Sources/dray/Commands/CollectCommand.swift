import ArgumentParser
import ByteStreams
import Glibc
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryServer

/// `dray gc`, also as `garbage-collect`
struct CollectCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Reclaim what nothing refers to in a registry's storage: the hard delete.",
        discussion: """
            Deletes blobs that no manifest needs, links to blobs that their repository does not need, the history \
            of tags, and the directories that this leaves empty. With --delete-untagged also manifests that no tag \
            means, unless an index that stays lists them or they are attached to one that stays (signatures, SBOMs). \
            Uploads, and what was written or asked after within the grace time, stay.

            Nothing is deleted while a manifest cannot be read, because it may need anything: exit code 3, and every \
            such manifest is named. dray may serve the store, or copy into it, meanwhile. A Go registry should be \
            stopped or read-only, and started again afterwards: it remembers what is gone.

            Examples:
              dray gc --dry-run /etc/registry/config.yml
              dray gc --delete-untagged --quarantine store:/var/lib/registry
              dray gc --undo latest store:/var/lib/registry
            """,
        aliases: ["garbage-collect"])

    @Argument(help: ArgumentHelp("A registry's config.yml, or its storage directory.", valueName: "config|root"))
    var place: String

    @Flag(name: [.customShort("d"), .long], help: "Say what would be deleted, and change nothing.")
    var dryRun = false

    @Flag(name: [.customShort("m"), .long], help: "Delete manifests that no tag leads to as well.")
    var deleteUntagged = false

    @Option(
        help: ArgumentHelp(
            "How old something has to be to go: 90s, 30m, 1h, 2d. 0 is the run's start.", valueName: "time"))
    var grace = TimeArgument(CollectionOptions().graceTime)

    @Flag(help: "Move what goes into ROOT/.dray/quarantine, from where --undo puts it back.")
    var quarantine = false

    @Option(help: ArgumentHelp("Put back what a run moved away: its id, or latest.", valueName: "id"))
    var undo: String?

    @Flag(help: "List the runs whose files are in quarantine.")
    var listQuarantine = false

    @Option(help: ArgumentHelp("Delete what a run moved away: its id, or all.", valueName: "id"))
    var purgeQuarantine: String?

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        let others = [undo != nil, listQuarantine, purgeQuarantine != nil].count { $0 }
        guard others == 0 || (others == 1 && !dryRun && !deleteUntagged && !quarantine) else {
            throw ValidationError("--undo, --list-quarantine and --purge-quarantine each stand alone")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let root = try root()
        let store = StoreQuarantine(root: root)
        if let undo { return try await putBack(undo == "latest" ? nil : undo, store, console) }
        if let purgeQuarantine {
            let gone = try await store.purge(purgeQuarantine == "all" ? nil : purgeQuarantine)
            try await report(gone, "deleted", console)
            return .done
        }
        if listQuarantine {
            try await report(try await Blocking.run { try store.entries() }, nil, console)
            return .done
        }
        return try await collect(root, console)
    }

    private func collect(_ root: String, _ console: Console) async throws -> ExitStatus {
        var options = CollectionOptions()
        options.dryRun = dryRun
        options.deletesUntagged = deleteUntagged
        options.graceTime = grace.duration
        options.quarantines = quarantine
        do {
            let report = try await StoreCollector(root: root, options).run()
            for note in report.notes { console.note(Printable.line(note)) }
            let listing = CollectionListing(report, root: root, isBrief: shared.quiet)
            try await console.report(listing.document, text: listing.lines)
            return .done
        } catch let refusal as CollectionRefused {
            for problem in refusal.problems { console.error(Printable.line(problem.description)) }
            let count = refusal.problems.count
            let text =
                "\(root): nothing is deleted while \(count == 1 ? "something" : "\(count) things") cannot be read "
                + "that may need any blob"
            throw refusal.isDamage ? TransferError.damaged(text) : TransferError.refused(text)
        }
    }

    private func putBack(_ id: String?, _ store: StoreQuarantine, _ console: Console) async throws -> ExitStatus {
        let result = try await store.restore(id)
        for file in result.occupied {
            console.note(Printable.line("\(file) is in the store again: the quarantine keeps its own"))
        }
        struct Document: Encodable, Sendable {
            var id: String
            var restored: Int
            var bytes: Int64
            var occupied: [String]
        }
        try await console.report(
            Document(id: result.id, restored: result.restored, bytes: result.bytes, occupied: result.occupied),
            text: ["put back \(result.restored) files of \(result.id), \(ByteCount(result.bytes))"])
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
            table.add((verb.map { "\($0) " } ?? "") + entry.id, "\(entry.files) files", "\(ByteCount(entry.bytes))")
        }
        try await console.report(
            entries.map { Row(id: $0.id, files: $0.files, bytes: $0.bytes) }, text: table.lines())
    }

    /// Of the store that is meant: a reference, a directory, or a registry's configuration.
    private func root() throws -> String {
        if place.hasPrefix(ImageReference.Transport.store.prefix) {
            let reference = try ImageReference(place)
            guard reference.name == nil, reference.digest == nil else {
                throw ReferenceError("\(place): garbage is collected in a whole store: store:\(reference.location)")
            }
            return try directory(reference.location)
        }
        switch try fileKind(place) {
        case .file:
            return try ServerConfiguration.read(path: place, environment: ProcessEnvironment.variables)
                .configuration.storage.root
        case .directory: return place
        case .link, .other, nil: throw TransferError.notFound("there is no \(place), neither a config.yml nor a store")
        }
    }

    private func directory(_ path: String) throws -> String {
        guard try fileKind(path) != .file else {
            throw TransferError.refused(
                "\(path) is an archive of a store, which is not changed where it is: unpack it first")
        }
        return path
    }
}
