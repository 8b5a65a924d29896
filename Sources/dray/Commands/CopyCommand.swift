import ArgumentParser
import ByteStreams
import DrayKit
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryClient

/// `dray copy`
struct CopyCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy images from anywhere to anywhere.",
        usage: "dray copy [<options>] SOURCE... DESTINATION\ndray copy [<options>] --from-file FILE DESTINATION",
        discussion: """
            Everything that the sources name is copied: all images, all platforms, signatures and other \
            referrers, byte for byte. What the destination has is not moved again. Only raw layers of a \
            docker-archive are gzipped on their way to a store or layout, which gives the image a new digest; \
            --compression keep leaves them as they are. One line is printed for each image: name, digest, and \
            whether the digest was kept. A directory of archives as a source is each archive in it; other files \
            are skipped.

            Examples:
              Seed a registry's storage directory from tarballs:
                dray copy a.tar b.tar.gz store:/var/lib/registry
                dray copy directory-of-tarballs/ store:/var/lib/registry
              All repositories below team/:
                dray copy 'docker://registry.example:5000/team/*' oci:layout
              A list of images, one on each line, with comments after '#':
                dray copy --from-file images.txt docker://registry.example:5000
              One image back into a tarball, on a pipe:
                dray copy store:/var/lib/registry:app:1 docker-archive:- | docker load
              What would be moved, to the byte:
                dray copy --dry-run oci:layout store:/var/lib/registry
              One platform of one image, under another name:
                dray copy --platform linux/arm64 oci:layout:1.2 store:/var/lib/registry:team/app:1.2
              Only what the far side lacks ('dray inventory' there), in volumes, and signed:
                dray copy --have have.json --volume-size 4GiB --sign packer.key store:/srv/r oci-archive:delta.tar

            'dray --help' lists the transports.
            """,
        aliases: ["cp"])

    @Argument(help: ArgumentHelp("What to copy, and last where to.", valueName: "reference"))
    var references: [String] = []

    @Option(
        name: .customLong("from-file"), parsing: .singleValue,
        help: ArgumentHelp(
            "Copy what this file lists, one image on each line: references, or images of registries as alpine:3.19; - is standard input; may be repeated.",
            valueName: "file"))
    var lists: [String] = []

    @OptionGroup var platforms: PlatformArguments

    @Option(help: ArgumentHelp("Convert manifests to Docker's or OCI's family.", valueName: "family"))
    var format = ManifestFormatArgument.keep

    @Option(
        help: ArgumentHelp(
            "Compress layers anew: keep, none, gzip[:1-9] or zstd[:1-19]. (default: keep; from a docker-archive, raw layers are gzipped)",
            valueName: "compression"))
    var compression: CompressionArgument?

    @OptionGroup var prefix: PrefixOption

    @Option(help: ArgumentHelp("Call the image REPOSITORY[:TAG], where the destination names none.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("Move so many blobs, and images, at once.", valueName: "number"))
    var jobs = CopyOptions().jobs

    @Option(
        help: ArgumentHelp(
            "What to do if the destination file exists, the destination has the tag, or two sources claim one name: error, skip or overwrite. (default: overwrite tags; error for files and for two sources)",
            valueName: "action"))
    var onExisting: CopyOptions.OnExisting?

    @Flag(help: "Only say what would be moved, and what is there already.")
    var dryRun = false

    @Flag(help: "Go on with the other images when one fails (exit code 2).")
    var keepGoing = false

    @Flag(help: "Fail rather than change a digest.")
    var strict = false

    @Option(
        help: ArgumentHelp(
            "Refuse a layer or archive that inflates further than RATIO:1, once it has given 64 MiB.",
            valueName: "ratio"))
    var maxInflation = InflationLimit.standard.ratio

    @OptionGroup var sourceSide: SideArguments<SourceSide>

    @OptionGroup var destinationSide: SideArguments<DestinationSide>

    @Option(help: ArgumentHelp("Write the digests of the copied images into this file.", valueName: "file"))
    var digestfile: String?

    @Flag(help: "Copy all tags of a repository of a public registry, where that has to be said.")
    var allTags = false

    @OptionGroup(title: "Delta and volume options") var packing: PackingArguments

    @OptionGroup var verification: VerificationArguments

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var bookkeeping: ReceiptOption

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard references.count >= 2 || !lists.isEmpty && references.count == 1 else {
            throw ValidationError(
                references.isEmpty
                    ? "Missing SOURCE and DESTINATION"
                    : "Missing DESTINATION; where is '\(ImageReference.printable(references[0]))' to be copied to?")
        }
        if packing.volumeSize != nil || registry.limitRate != nil, let unit = references.first(where: Self.isUnit) {
            throw ValidationError("'\(unit)': write the number and the unit without a space, such as 20\(unit)")
        }
        guard jobs >= 1 else { throw ValidationError("--jobs has to be at least 1") }
        guard maxInflation >= 1 else { throw ValidationError("--max-inflation has to be at least 1") }
        if let name, ImageName(name) == nil {
            throw ValidationError("--name '\(name)' is no valid image name: REPOSITORY[:TAG] in lower case")
        }
    }

    /// Whether it is the unit of a size before it: `20 MB`.
    private static func isUnit(_ text: String) -> Bool {
        text.allSatisfy(\.isLetter) && text.count <= 3 && (try? ByteSize("1\(text)")) != nil
            && ((try? fileKind(text)) ?? nil) == nil
    }

    func run(_ console: Console) async throws -> ExitStatus {
        if let digestfile { try PathHints.checkNew(digestfile) }
        let reader = ReferenceReader(inflation: options.inflation)
        let sources = try sources(reader, console)
        let target = try reader.read(references[references.count - 1], isWritten: true)
        try check(sources.references, target)
        for source in sources.references { console.detail("from \(source)") }
        console.detail("to \(target)")

        let runner = ProgressRunner(
            console, imageLine: dryRun ? nil : CopyListing.line, toStandardError: target.isStandardOutput)
        var known = CopyReceipt.Places(
            sources: sources.references.map(\.description), destination: target.description)
        known.place = { _ in target }
        let places = ReceiptOption.Places(known)
        let report = try await bookkeeping.keep(places, dryRun: dryRun, runner) {
            try await copy(sources, reader, to: target, console, runner, places)
        }
        let listing = CopyListing(report)
        try await console.report(
            listing.rows, text: runner.printsImages ? [] : listing.lines, toStandardError: target.isStandardOutput)
        if let digestfile, !dryRun {
            // Without a line end after the last one, as skopeo writes it.
            let digests = report.images.map(\.descriptor.digest.description).joined(separator: "\n")
            try await Blocking.run { try WholeFile.write(Array(digests.utf8), to: digestfile) }
        }
        for failure in listing.failures { console.error(Printable.line(failure)) }
        if dryRun { console.note(listing.summary) } else { console.detail(listing.summary) }
        return ExitStatus(report)
    }

    /// Everything that is to be copied: a directory of archives is each of them.
    private func sources(_ reader: ReferenceReader, _ console: Console) throws -> NamedSources {
        var sources = NamedSources(reader)
        for text in references.dropLast() { try sources.add(text) }
        try refuseReadingTwice(sources.references)
        for list in lists { try sources.add(list: list) }
        for (file, kind) in try sources.expand() { console.note(Printable.line("\(file): skipped (\(kind))")) }
        return sources
    }

    private func copy(
        _ sources: NamedSources, _ reader: ReferenceReader, to target: ImageReference, _ console: Console,
        _ runner: ProgressRunner, _ places: ReceiptOption.Places
    ) async throws -> CopyReport {
        if !keepGoing { try checkOrder(sources.references, target) }
        let read = readPlaces(sources.references)
        var sourceOptions = try registry.options(console, jobs: jobs, for: read + [target])
        var destinationOptions = sourceOptions
        if sourceSide.trustsAnybody {
            sourceOptions.isSharedByRegistries = AccountScope.registries(read).count > 1
        }
        if destinationSide.trustsAnybody { destinationOptions.isSharedByRegistries = false }
        try sourceSide.apply(to: &sourceOptions)
        try destinationSide.apply(to: &destinationOptions)
        let dray = Dray(
            sourceOptions, destinations: destinationOptions, references: reader,
            storage: registry.storageSettings(console))
        let opened = try await OpenedSources(sources, in: dray, keepGoing: keepGoing, runner.progress)
        for selection in opened.selections {
            if let key = try await verification.check(selection.source) { places.note { $0.verifiedWith = key } }
        }
        var copyOptions = options
        for base in packing.bases {
            copyOptions.bases.append(try await dray.base(base))
        }
        let packed = try packing.packing(console)
        places.note { $0.signedWith = packed?.signingKey?.title }
        let destination = try await dray.destination(target, packing: packed)
        let report = try await opened.report(copyOptions) {
            try await runner.copy($0, to: destination, copyOptions)
        }
        if let archive = destination as? ArchiveDestination { places.note { $0.volumes = archive.files } }
        return report
    }

    private var options: CopyOptions {
        var options = CopyOptions()
        options.platforms = platforms.choice
        options.format = format.format
        options.compression = compression?.choice
        options.level = compression?.level
        options.prefix = prefix.prefix
        options.name = name
        options.jobs = jobs
        options.dryRun = dryRun
        options.keepGoing = keepGoing
        options.onExisting = onExisting ?? .overwrite
        options.onExistingFile = onExisting ?? .error
        options.onClash = onExisting ?? .error
        options.strict = strict
        options.inflation.ratio = maxInflation
        options.names.prefix = "--prefix"
        options.names.name = "--name"
        options.names.onExisting = "--on-existing"
        options.names.platform = "--platform"
        options.names.format = "--format"
        options.names.compression = "--compression"
        options.names.base = "--base"
        return options
    }
}
