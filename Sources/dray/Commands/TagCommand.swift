import ArgumentParser
import ImageLayouts
import ImageModel
import ImageTransfer

/// `dray tag`
struct TagCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Give an image another tag, where it is.",
        discussion: """
            In a store, an OCI layout or a registry; nothing is copied. An archive is not changed: copy it.

            Examples:
              dray tag store:/var/lib/registry:team/app:1.2 latest
              dray tag oci:layout@sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865 good
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "reference"))
    var reference: String

    @Argument(help: ArgumentHelp("The new tag, without a repository.", valueName: "tag"))
    var tag: String

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard ImageName.isTag(tag) else {
            throw ValidationError("'\(tag)' is no tag: letters, digits, '_', '.' and '-', 128 at most")
        }
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let reference = try ImageReference(reference)
        let editor = try await reference.editor(try registry.options(console))
        let image = try await editor.image(named: reference.name, digest: reference.digest)
        try await editor.tag(image, as: tag)
        for advice in await editor.advice() { console.note(advice) }
        var row = ImageRow(image)
        row.tag = tag
        let name = (row.repository.map { "\($0):" } ?? "") + tag
        try await console.report(row, text: ["\(name)  \(image.descriptor.digest)"])
        return .done
    }
}
