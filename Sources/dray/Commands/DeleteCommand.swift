import ArgumentParser
import DrayKit
import ImageModel
import RegistryClient

/// `dray delete`
struct DeleteCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete tags, or images by their digests.",
        discussion: """
            With a tag, only that tag goes. With a digest, the manifest and every tag of it go. With --all, every \
            tag of the repository goes, and each manifest that has no other. A '*' in a repository's name stands for \
            any characters; with --all and after a question, it deletes all tags of all such repositories. Blobs stay \
            until garbage collection: this is the soft delete. An archive is not changed.

            Examples:
              dray delete store:/var/lib/registry:team/app:1.2
              dray delete store:/var/lib/registry:team/app@sha256:DIGEST
              dray delete --dry-run --all store:/var/lib/registry:team/app
              dray delete --all --yes 'docker://registry.example/team/*'
            """,
        aliases: ["rm"])

    @Argument(help: ArgumentHelp("The images, each with a tag or a digest.", valueName: "reference"))
    var references: [String]

    @Flag(help: "Delete every tag of the repository.")
    var all = false

    @Flag(help: "Where a registry deletes by digest only, let the other tags of the same manifest go, too.")
    var allTags = false

    @Flag(name: .shortAndLong, help: "Let --all delete several repositories without asking.")
    var yes = false

    @Flag(help: "Only say what would be deleted.")
    var dryRun = false

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    /// The images that a reference means.
    private struct Selection {
        let reference: ImageReference
        let editor: any ImageEditor
        let images: [SourceImage]
        /// Whether the reference has a tag or a digest.
        let isExact: Bool

        func isInPlace(of other: ImageReference) -> Bool {
            reference.transport == other.transport && reference.location == other.location
        }
    }

    /// What is gone of a selection.
    private struct Deletion {
        let selection: Selection
        var images: [SourceImage] = []
        /// Those whose manifests stay until garbage collection.
        var untagged: [SourceImage] = []
        var manifests: Set<ManifestPlace> = []
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let reader = ReferenceReader()
        let references = try references.map { try reader.read($0) }
        try registry.checkScope(references)
        let dray = try registry.session(console, for: references, reader) { $0.deletesAllTags = allTags }
        var selections: [Selection] = []
        for reference in references { selections.append(try await select(reference, dray)) }
        for selection in selections where !dryRun { try confirm(selection, console) }
        var deletions: [Deletion] = []
        do {
            for selection in selections { try await delete(selection, &deletions) }
        } catch {
            if deletions.contains(where: { !$0.images.isEmpty }) { try await report(deletions, console) }
            throw error
        }
        for deletion in deletions where !dryRun {
            for advice in await deletion.selection.editor.advice() { console.note(advice) }
            if let note = await Self.note(on: deletion) { console.note(Printable.line(note)) }
        }
        try await report(deletions, console)
        return .done
    }

    private func report(_ deletions: [Deletion], _ console: Console) async throws {
        let deleted = deletions.flatMap(\.images)
        let verb = dryRun ? "to delete" : "deleted"
        try await console.report(
            deleted.map { ListedImage($0) },
            text: deleted.map { Printable.line("\(verb) \($0.shortTitle)  \($0.descriptor.digest)") })
    }

    // MARK: Selecting

    private func select(_ reference: ImageReference, _ dray: Dray) async throws -> Selection {
        let editor = try await dray.editor(reference)
        let images = try await editor.images(named: reference.name, digest: reference.digest)
        let isExact = reference.digest != nil || (images.count == 1 && names(images[0], reference))
        guard all || isExact else {
            throw ImageError.refused(
                "\(reference) \(images.count == 1 ? "names no tag" : "means \(images.count) images"): "
                    + "add a tag or @DIGEST, or --all to delete all of them")
        }
        if !isExact { try checkRepository(reference, images) }
        guard reference.digest != nil else {
            return Selection(reference: reference, editor: editor, images: images, isExact: isExact)
        }
        var named: [SourceImage] = []
        for image in images {
            // A registry need not list its tags.
            let tags = (try? await editor.images(named: image.repository, digest: nil)) ?? []
            let own = tags.filter {
                $0.descriptor.digest == image.descriptor.digest && $0.repository == image.repository
            }
            named += own.isEmpty ? [image] : own
        }
        return Selection(reference: reference, editor: editor, images: named, isExact: true)
    }

    /// Whether the reference gives the image's tag, and not only where it is.
    private func names(_ image: SourceImage, _ reference: ImageReference) -> Bool {
        guard let tag = image.tag, let name = reference.name else { return false }
        return name.hasSuffix(":\(tag)") || (reference.transport.bareNameIsTag && name == tag)
    }

    /// Refuses a place, or a path above repositories, unless it is a pattern.
    private func checkRepository(_ reference: ImageReference, _ images: [SourceImage]) throws {
        guard Self.pattern(reference) == nil else { return }
        let repositories = Set(images.map { Self.repository(of: $0) })
        let isAbove =
            if let name = reference.name {
                repositories.contains { $0?.hasPrefix("\(name)/") == true }
            } else {
                !repositories.isEmpty && !reference.transport.bareNameIsTag
            }
        guard repositories.count > 1 || isAbove else { return }
        var pattern = reference
        pattern.name = reference.name.map { "\($0)/*" } ?? "*"
        let names = repositories.compactMap { $0 }.sorted()
        throw ImageError.refused(
            "\(reference) is not a repository; --all takes one, such as \(names.first ?? "team/app"); for "
                + "\(names.count == 1 ? "it" : "all \(names.count)") and later ones, write '\(pattern)' and --yes")
    }

    private static func repository(of image: SourceImage) -> String? {
        if case .full(let name) = image.name { return image.repository ?? name.repository }
        return image.repository
    }

    private static func pattern(_ reference: ImageReference) -> RepositoryPattern? {
        reference.name.flatMap { RepositoryPattern($0) }
    }

    private func confirm(_ selection: Selection, _ console: Console) throws {
        guard Self.pattern(selection.reference) != nil, !selection.images.isEmpty else { return }
        let images = selection.images
        let repositories = Set(images.map { Self.repository(of: $0) }).count
        let count =
            "\(images.count) image\(images.count == 1 ? "" : "s") in \(repositories) "
            + (repositories == 1 ? "repository" : "repositories")
        let lines = images.map { "\($0.shortTitle)  \($0.descriptor.digest)" }
        try Confirmation(cause: "--all", place: selection.reference, count: count, lines: lines).ask(console, yes: yes)
    }

    // MARK: Deleting

    /// - Parameter deletions: those before, whose images may be meant again, and this one.
    private func delete(_ selection: Selection, _ deletions: inout [Deletion]) async throws {
        let (reference, editor) = (selection.reference, selection.editor)
        let before = deletions.filter { $0.selection.isInPlace(of: reference) }
        let isGone = Set(before.flatMap(\.images))
        var gone = before.reduce(into: Set<ManifestPlace>()) { $0.formUnion($1.manifests) }
        var deletion = Deletion(selection: selection)
        defer { deletions.append(deletion) }
        var images = selection.images
        guard !dryRun else { return deletion.images = images.filter { !isGone.contains($0) } }
        while true {
            let whole = selection.isExact ? [] : try await manifestsThatGo(images, editor)
            for image in images {
                let place = ManifestPlace(image)
                if reference.digest != nil || image.tag == nil || whole.contains(place) {
                    if gone.insert(place).inserted { try await editor.delete(image) }
                    deletion.manifests.insert(place)
                } else if !isGone.contains(image) {
                    try await editor.untag(image)
                    deletion.untagged.append(image)
                }
                if !isGone.contains(image) { deletion.images.append(image) }
            }
            guard !selection.isExact else { break }
            // What was a part of what is gone now stands alone.
            let left: [SourceImage]
            do {
                left = try await editor.images(named: reference.name, digest: nil)
            } catch  where ExitStatus(for: error) == .notFound {
                break
            }
            images = left.filter { $0.tag == nil && !deletion.images.contains($0) && !isGone.contains($0) }
            if images.isEmpty { break }
        }
    }

    /// How the space comes back, or the tag.
    private static func note(on deletion: Deletion) async -> String? {
        let reference = deletion.selection.reference
        guard [.store, .registry].contains(reference.transport), !deletion.images.isEmpty else { return nil }
        let isRegistry = reference.transport == .registry
        let store = reference.isBucket ? "store:\(reference.location)" : reference.location
        let place = isRegistry ? "CONFIG.yml' on the registry's machine" : "\(store)'"
        guard let image = deletion.untagged.first, let tag = image.tag, let repository = image.repository,
            let left = try? await deletion.selection.editor.images(named: repository, digest: image.descriptor.digest),
            !left.isEmpty
        else { return "the space comes back with 'dray gc \(place)" }
        let kept = ImageReference(
            transport: reference.transport, location: reference.location, name: repository,
            digest: image.descriptor.digest)
        return "space that no other tag needs comes back with 'dray gc --delete-untagged \(place); until then, "
            + "'dray tag \(kept) \(tag)' brings the tag back"
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
