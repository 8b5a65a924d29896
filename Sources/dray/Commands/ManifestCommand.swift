import ArgumentParser
import DrayKit
import ImageModel

/// `dray manifest`
struct ManifestCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest",
        abstract: "Print the exact bytes of a manifest or index.",
        discussion: """
            The bytes are verified, and printed as they are: their SHA-256 is the digest.

            Examples:
              dray manifest store:/var/lib/registry:team/app:1.2
              dray manifest oci:layout:1.2 | sha256sum
              dray manifest oci:layout@sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "reference"))
    var reference: String

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        let (dray, reference) = try registry.open(reference, console)
        let source = try await dray.source(reference)
        let image = try await source.image(named: reference.name, digest: reference.digest)
        try await console.write(try await source.manifest(image.descriptor, in: image.repository).bytes)
        return .done
    }
}
