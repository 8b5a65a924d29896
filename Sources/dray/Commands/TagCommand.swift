import ArgumentParser
import ByteStreams
import DrayKit
import ImageModel

/// `dray tag`
struct TagCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Give an image another tag, where it is.",
        discussion: """
            In a store, an OCI layout or a registry; nothing is copied. An archive is not changed: copy it.

            Examples:
              dray tag store:/var/lib/registry:team/app:1.2 latest
              dray tag docker://registry.example/team/app:1.2 team/app:1
              dray tag oci:layout@sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865 good
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "reference"))
    var reference: String

    @Argument(help: ArgumentHelp("The new tag; also with the image's repository before it.", valueName: "tag"))
    var tag: String

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        if ImageName.isTag(reference), !ImageName.isTag(tag), (try? fileKind(reference)) ?? nil == nil {
            throw ValidationError(
                "'\(reference)': a tag; swap the arguments: dray tag \(ImageReference.printable(tag)) \(reference)")
        }
        let (dray, reference) = try registry.open(reference, console)
        let name = try newName(for: reference)
        let editor = try await dray.editor(reference)
        let image = try await editor.image(named: reference.name, digest: reference.digest)
        let tag = try tag(of: name, for: image, at: reference)
        try await editor.tag(image, as: tag)
        for advice in await editor.advice() { console.note(advice) }
        var row = ListedImage(image)
        row.tag = tag
        let text = (row.repository.map { "\($0):" } ?? "") + tag
        try await console.report(row, text: ["\(text)  \(image.descriptor.digest)"])
        return .done
    }

    /// The new name, as a tag alone, as `REPOSITORY:TAG`, or as a reference to the place where the image is.
    private func newName(for reference: ImageReference) throws -> (repository: String?, tag: String) {
        if ImageName.isTag(tag) { return (nil, tag) }
        var text = tag
        if let place = try? ReferenceReader().read(tag, isWritten: true), try place.isSamePlace(as: reference) {
            text = place.name ?? ""
        }
        let isAtRegistry = reference.transport == .registry && text.hasPrefix("\(reference.location)/")
        if isAtRegistry { text = String(text.dropFirst(reference.location.count + 1)) }
        if ImageName.isTag(text) { return (nil, text) }
        guard let name = ImageName(withoutHost: text), let tag = name.tag else {
            throw ValidationError(
                "'\(ImageReference.printable(tag))': not a tag; expected up to 128 letters, digits, '_', '.' and '-'")
        }
        return (name.repository, tag)
    }

    /// The new tag, where the new name has the image's repository.
    private func tag(
        of name: (repository: String?, tag: String), for image: SourceImage, at reference: ImageReference
    ) throws -> String {
        var own = image.repository
        if case .full(let name) = image.name { own = own ?? name.repository }
        guard let repository = name.repository, repository != own else { return name.tag }
        let target = ImageReference(
            transport: reference.transport, location: reference.location, name: "\(repository):\(name.tag)")
        throw ImageError.refused(
            "a tag stays in its repository; copy to \(repository):\(name.tag): "
                + "dray copy \(reference) \(target)")
    }
}
