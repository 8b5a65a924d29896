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
            With a tag, only that tag goes. With a digest, the manifest and every tag of it go. With --all, every \
            tag of the repository goes, and each manifest that has no other. Blobs stay until garbage collection: \
            this is the soft delete. An archive is not changed.

            Examples:
              dray delete store:/var/lib/registry:team/app:1.2
              dray delete store:/var/lib/registry:team/app@sha256:DIGEST
              dray delete --all store:/var/lib/registry:team/app
            """,
        aliases: ["rm"])

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
        var images = try await editor.images(named: reference.name, digest: reference.digest)
        let isExact = reference.digest != nil || (images.count == 1 && names(images[0], reference))
        guard all || isExact else {
            throw TransferError.refused(
                "\(reference) means \(images.count == 1 ? "whatever image is there" : "\(images.count) images"): "
                    + "add a tag or @DIGEST, or --all to delete all of them")
        }
        var deleted: [SourceImage] = []
        var gone: Set<ManifestPlace> = []
        while true {
            let whole = isExact ? [] : try await manifestsThatGo(images, editor)
            for image in images {
                let place = ManifestPlace(image)
                if reference.digest != nil || image.tag == nil || whole.contains(place) {
                    if gone.insert(place).inserted { try await editor.delete(image) }
                } else {
                    try await editor.untag(image)
                }
            }
            deleted += images
            guard !isExact else { break }
            // What was a part of what is gone now stands alone.
            let left: [SourceImage]
            do {
                left = try await editor.images(named: reference.name, digest: nil)
            } catch  where ExitStatus(for: error) == .notFound {
                break
            }
            images = left.filter { $0.tag == nil && !deleted.contains($0) }
            if images.isEmpty { break }
        }
        for advice in await editor.advice() { console.note(advice) }
        try await console.report(
            deleted.map { ImageRow($0) }, text: deleted.map { "deleted \($0.shortTitle)  \($0.descriptor.digest)" })
        return .done
    }

    /// Whether the reference gives the image's tag, and not only where it is.
    private func names(_ image: SourceImage, _ reference: ImageReference) -> Bool {
        guard let tag = image.tag, let name = reference.name else { return false }
        return name.hasSuffix(":\(tag)") || (reference.transport.bareNameIsTag && name == tag)
    }

    private struct ManifestPlace: Hashable {
        let repository: String?
        let digest: Digest

        init(_ image: SourceImage) {
            repository = image.repository
            digest = image.descriptor.digest
        }
    }

    /// Manifests of which no tag would be left.
    private func manifestsThatGo(
        _ images: [SourceImage], _ editor: any ImageEditor
    ) async throws -> Set<ManifestPlace> {
        let going = Set(images)
        var places = Set(images.map { ManifestPlace($0) })
        for repository in Set(images.map(\.repository)) {
            for image in try await editor.images(in: repository, tagged: { _ in true }) where !going.contains(image) {
                places.remove(ManifestPlace(image))
            }
        }
        return places
    }
}
