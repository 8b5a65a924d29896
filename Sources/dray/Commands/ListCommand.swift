import ArgumentParser
import DrayKit
import ImageModel

/// `dray ls`
struct ListCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List repositories, tags and digests.",
        discussion: """
            Prints a table with a header: NAME, PLATFORMS, SIZE, CREATED and DIGEST of each image. SIZE is that of \
            the manifests, configs and layers as they are stored, each counted once. For a registry only NAME and \
            DIGEST are listed; --long fetches the rest, with one request for each manifest and config. With a name, \
            only what it means is listed. Several references are listed one after another, each below its reference.

            Digests are shortened on a terminal and whole elsewhere. For scripts, -q prints names only, and \
            --output json everything.

            Examples:
              dray ls /var/lib/registry
              dray ls *.tar store:/var/lib/registry:team/app
              dray ls --long docker://registry.example/team/app
              docker save app:1 | dray ls --output json docker-archive:-
            """,
        aliases: ["list-tags"])

    @Argument(help: ArgumentHelp("Where to look.", valueName: "reference"))
    var references: [String]

    @Flag(name: .shortAndLong, help: "List platforms, size and date of a registry's images as well.")
    var long = false

    @Flag(help: "Print whole digests on a terminal, too.")
    var digests = false

    @OptionGroup var verification: VerificationArguments

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    private struct Row: Encodable, Sendable {
        var image: ListedImage
        /// The command line's; nil if that has only one.
        var reference: String?

        enum CodingKeys: String, CodingKey { case reference }

        func encode(to encoder: any Encoder) throws {
            try image.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeIfPresent(reference, forKey: .reference)
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        var rows: [Row] = []
        var lines: [String] = []
        var status = ExitStatus.done
        for text in references {
            do {
                let (images, table) = try await list(text, console)
                rows += images
                if shared.quiet {
                    lines += images.map(\.image.name)
                } else {
                    if references.count > 1 { lines += (lines.isEmpty ? [] : [""]) + ["\(Printable.line(text)):"] }
                    lines += table
                }
            } catch  where references.count > 1 && !(error is CancellationError) {
                console.error(Printable.line("\(error)"))
                status = ExitStatus(for: error)
            }
        }
        try await console.report(rows, text: lines)
        return status
    }

    private func list(_ text: String, _ console: Console) async throws -> (images: [Row], table: [String]) {
        let (dray, reference) = try registry.open(text, console)
        let source = try await dray.source(reference)
        try await verification.check(source)
        let listing = try await source.listing(named: reference.name, digest: reference.digest)
        console.note(listing)
        let images = try listing.readable()
        if images.isEmpty {
            let repository = reference.transport == .registry || reference.transport == .store ? reference.name : nil
            console.note(
                Printable.line(repository.map { "\($0) has no tags" } ?? "\(source.title) holds no images"))
        }
        let isDetailed = (long || !source.isRemote) && (console.format == .json || !shared.quiet)
        let summaries = isDetailed ? try await source.summaries(of: images) : [:]
        var table = ImageTable(hasDetails: isDetailed, keepsDigests: digests)
        for image in images {
            let summary = summaries[image.descriptor.digest]
            if let problem = summary?.problem { console.detail(Printable.line("\(image.title): \(problem)")) }
            table.add(image, summary)
        }
        let rows = images.map {
            Row(
                image: ListedImage($0, summaries[$0.descriptor.digest]),
                reference: references.count > 1 ? text : nil)
        }
        return (rows, table.lines)
    }
}

extension ListedImage {
    /// The name that leads to the image again.
    fileprivate var name: String {
        let place = repository ?? ""
        guard let tag else { return place.isEmpty ? "\(digest)" : "\(place)@\(digest)" }
        return Printable.line(place.isEmpty ? tag : "\(place):\(tag)")
    }
}

extension SourceImage {
    /// The name alone; `<none>` for an image that goes by its digest.
    var shortTitle: String {
        switch name {
        case .full(let name): name.tag == nil ? "\(name):<none>" : name.description
        case .tag(let tag): (repository.map { "\($0):" } ?? "") + tag
        case .none: repository.map { "\($0):<none>" } ?? "<none>"
        }
    }
}
