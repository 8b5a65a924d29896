import ArgumentParser
import DrayKit
import ImageModel

/// `dray digest`
struct DigestCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest",
        abstract: "Print the digest of an image's manifest or index.",
        discussion: """
            Without a name, it is the only image there, or the one that is tagged 'latest'.

            Examples:
              dray digest store:/var/lib/registry:team/app:1.2
              dray digest oci:layout
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "reference"))
    var reference: String

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        let (dray, reference) = try registry.open(reference, console)
        let source = try await dray.source(reference)
        let image = try await source.image(named: reference.name, digest: reference.digest)
        try await console.report(ListedImage(image), text: [image.descriptor.digest.description])
        return .done
    }
}
