import ArgumentParser
import DrayKit
import ImageModel
import ImageTransfer

/// `dray inspect`
struct InspectCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show an image: platforms, config, layers, history.",
        discussion: """
            Without a name, it is the only image there, or the one that is tagged 'latest'. Of an index, all \
            platforms are shown unless --platform chooses; --config then takes the one for this machine.

            Examples:
              dray inspect images.tar
              dray inspect --output json store:/var/lib/registry:team/app:1.2
              dray inspect --config --platform linux/arm64 oci:layout:1.2
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "reference"))
    var reference: String

    @Flag(help: "Print the exact bytes of the manifest or index.")
    var raw = false

    @Flag(help: "Print the exact bytes of the image's config.")
    var config = false

    @Option(
        name: .customLong("platform"), parsing: .singleValue,
        help: ArgumentHelp("Show only this platform, as OS/ARCH[/VARIANT]; may be repeated.", valueName: "platform"))
    var platformWords: [String] = []

    private var platforms: [Platform] {
        if case .only(let platforms)? = PlatformChoice(platformWords) { platforms } else { [] }
    }

    @OptionGroup var verification: VerificationArguments

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        try PlatformArguments.check(platformWords)
        if raw, config { throw ValidationError("--raw and --config exclude each other") }
        if raw, !platforms.isEmpty {
            throw ValidationError("--raw prints the image's own manifest or index: --platform does not go with it")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let (dray, reference) = try registry.open(reference, console)
        let source = try await dray.source(reference)
        try await verification.check(source)
        if reference.transport != .registry {
            console.note(try await source.listing(named: reference.name, digest: reference.digest))
        }
        let image = try await source.image(named: reference.name, digest: reference.digest)
        if raw {
            try await console.write(try await source.rootManifest(of: image).bytes)
            return .done
        }
        let inspection = try await Inspection(of: image, in: source, platforms: platforms)
        if config {
            let config = try chosenConfig(inspection, image)
            try await console.write(try await source.document(config, in: image.repository))
            return .done
        }
        try await console.report(inspection, text: inspection.lines)
        return .done
    }

    /// The config of the only image, or of the one for this machine.
    private func chosenConfig(_ inspection: Inspection, _ image: SourceImage) throws -> Descriptor {
        var images = inspection.images.filter { $0.attestation != true && $0.missing != true && $0.config != nil }
        if images.count > 1 {
            images = images.filter { image in
                image.platform.flatMap { Platform($0) }.map { Platform.host.accepts($0) } == true
            }
        }
        guard let config = images.first?.config else {
            throw ImageError.notFound(
                inspection.platforms.isEmpty
                    ? "\(image.title) has no config"
                    : "\(image.title) has no config for \(Platform.host): choose with --platform from "
                        + inspection.platforms.joined(separator: ", "))
        }
        return config
    }
}
