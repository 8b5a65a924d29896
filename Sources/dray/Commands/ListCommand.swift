import ArgumentParser
import ImageLayouts
import ImageModel
import ImageTransfer

/// `dray ls`
struct ListCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List repositories, tags and digests.",
        discussion: """
            Prints a line for each image: its name, the digest of its manifest or index, and that one's media \
            type. With a name, only what it means is listed.

            Examples:
              dray ls /var/lib/registry
              dray ls store:/var/lib/registry:team/app
              docker save app:1 | dray ls --output json docker-archive:-
            """)

    @Argument(help: ArgumentHelp("Where to look.", valueName: "reference"))
    var reference: String

    @OptionGroup var verification: VerificationArguments

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        let reference = try ImageReference(reference)
        let source = try await reference.source(try registry.options(console))
        try await verification.check(source)
        let listing = try await source.listing(named: reference.name, digest: reference.digest)
        console.note(listing)
        let images = try listing.readable()
        var table = TextTable()
        for image in images {
            table.add(
                Printable.line(image.shortTitle), image.descriptor.digest.description,
                Printable.line(image.descriptor.mediaType.rawValue))
        }
        try await console.report(images.map { ImageRow($0) }, text: table.lines())
        return .done
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
