import ArgumentParser
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryClient

/// `dray delete`
struct DeleteCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Take an image's name away, or the image by its digest.",
        discussion: """
            With a tag, only that tag goes. With a digest, the manifest and every tag of it go. Blobs stay until \
            garbage collection: this is the soft delete. An archive is not changed.

            Examples:
              dray delete store:/var/lib/registry:team/app:1.2
              dray delete store:/var/lib/registry:team/app@sha256:DIGEST
              dray delete --all store:/var/lib/registry:team/app
            """)

    @Argument(help: ArgumentHelp("The image, with a tag or a digest.", valueName: "reference"))
    var reference: String

    @Flag(help: "Delete every image that the reference means.")
    var all = false

    @Flag(help: "Where a registry deletes by digest only, let the other tags of the same manifest go, too.")
    var allTags = false

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        let reference = try ImageReference(reference)
        var options = try registry.options(console)
        options.deletesAllTags = allTags
        let editor = try await reference.editor(options)
        let images = try await editor.images(named: reference.name, digest: reference.digest)
        let isNamed = reference.digest != nil || (images.count == 1 && images[0].tag != nil && reference.name != nil)
        guard all || isNamed else {
            throw TransferError.refused(
                "\(reference) means \(images.count) images: add a tag or @DIGEST, or --all to delete all of them")
        }
        for image in images {
            if image.tag == nil || reference.digest != nil || all {
                try await editor.delete(image)
            } else {
                try await editor.untag(image)
            }
        }
        try await console.report(
            images.map { ImageRow($0) }, text: images.map { "deleted \($0.shortTitle)  \($0.descriptor.digest)" })
        return .done
    }
}
