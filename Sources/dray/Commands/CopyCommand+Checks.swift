import ArgumentParser
import DrayKit
import ImageModel
import RegistryClient

/// What is refused before anything is copied.
extension CopyCommand {
    /// Refuses standard input for two things.
    func refuseReadingTwice(_ sources: [ImageReference]) throws {
        guard sources.count(where: \.isStandardStream) + lists.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("Standard input can be read only once")
        }
    }

    /// Returns everything that is read: the sources, and the bases of what is packed.
    func readPlaces(_ sources: [ImageReference]) -> [ImageReference] {
        sources + packing.bases.compactMap(ImageReference.registry)
    }

    /// Refuses credentials that several registries would get.
    private func checkAccounts(_ sources: [ImageReference], _ target: ImageReference) throws {
        let read = readPlaces(sources)
        let shared = (sourceSide.credentials == nil ? read : []) + (destinationSide.credentials == nil ? [target] : [])
        try registry.checkScope(
            read + [target], account: shared, otherwise: "--src-creds and --dest-creds, or 'dray login' for each")
        if sourceSide.credentials != nil {
            try AccountScope(option: "--src-creds", alternative: "'dray login' for each").check(read)
        }
        if sourceSide.certificateDirectory != nil {
            try AccountScope(option: "--src-cert-dir", alternative: "certs.d/HOST:PORT for each").check(read)
        }
    }

    /// Says how it goes the other way round where the only source is missing and the destination is there.
    func checkOrder(_ sources: [ImageReference], _ target: ImageReference) throws {
        if sources.count == 1, try sources[0].isMissing, target.transport != .registry, try !target.isMissing {
            throw ImageError.notFound(
                "\(sources[0].location): no such file or directory; if the images are in \(target), swap source and "
                    + "destination: dray copy \(target) \(sources[0])")
        }
    }

    /// A public image with the tag that docker takes.
    private static func tagged(_ source: ImageReference) -> String {
        guard let name = source.name else { return "\(source)/REPOSITORY:TAG" }
        let library = "library/"
        let isOfficial = source.location == "docker.io" && name.hasPrefix(library)
        return isOfficial ? "docker://\(name.dropFirst(library.count)):latest" : "\(source):latest"
    }

    /// Refuses what cannot be meant.
    func check(_ sources: [ImageReference], _ target: ImageReference) throws {
        guard target.digest == nil else {
            throw ValidationError("'\(target)': a destination cannot name a digest; remove it")
        }
        try refuseReadingTwice(sources)
        try checkAccounts(sources, target)
        if target.isStandardOutput, StandardOutput.isTerminal, !dryRun {
            throw ValidationError("An archive is not written to a terminal: redirect it to a file or a pipe")
        }
        for source in sources
        where source.isPublicRegistry && source.digest == nil && !(source.name?.contains(":") ?? false) && !allTags {
            throw ValidationError(
                "'\(source)': no tag; that would be every tag \(source.name == nil ? "there" : "of it"); write "
                    + "\(Self.tagged(source)), or add --all-tags"
            )
        }
        for source in sources where try source.isSamePlace(as: target) {
            // Within a store or layout, an image may get a second name.
            if target.transport.isEditable, let name = target.name, name != source.name { continue }
            throw ValidationError("'\(source)' would be copied onto itself")
        }
    }
}
