import ByteStreams
import FileTrees
import ImageLayouts
import TarArchive

extension ReferenceReader {
    /// The sources that a reference stands for: for a directory of archives each archive in it, in the order of their
    /// names, and then each layout or store that is a directory in it; the volumes of a set are one.
    ///
    /// - Returns: the references, and each other file or directory, with what it is. An archive that is damaged is among the
    ///   references: the copy reports what is wrong with it.
    /// - Throws: `ImageError` if an image of the directory is named, `ImageError.foreign` if it has no archive.
    package func expand(
        _ reference: ImageReference
    ) throws -> (references: [ImageReference], leftOut: [(file: String, kind: String)]) {
        guard try isDirectoryOfArchives(reference) else { return ([reference], []) }
        let location = reference.location
        guard reference.name == nil, reference.digest == nil else {
            throw ImageError.usage("\(reference): \(location) is a directory of archives: name an image of one of them")
        }
        var references: [ImageReference] = []
        var leftOut: [(file: String, kind: String)] = []
        var sets: Set<String> = []
        let members = try DirectoryMembers(of: location)
        for file in members.files {
            // The first of a set leads to the others.
            if VolumeNames.isVolume(file),
                VolumeNames.isRecovery(file) || !sets.insert(VolumeNames.stem(of: lastComponent(of: file))).inserted
            {
                continue
            }
            do {
                references.append(ImageReference(transport: try recognise(file), location: file))
            } catch let error as ImageError where error.code == .foreign {
                leftOut.append((file, (error.cause as? ForeignContent)?.kind ?? error.message))
            } catch  where Self.isArchiveName(file) || beginsAsTar(file) {
                references.append(ImageReference(transport: reference.transport, location: file))
            } catch {
                leftOut.append((file, "\(error)"))
            }
        }
        for directory in members.directories {
            let form = try ImageForm(of: trees.open(directory), isCertain: true)
            if let transport = form?.transport(isDirectory: true), transport != .dockerArchive {
                references.append(ImageReference(transport: transport, location: directory))
            } else {
                leftOut.append((directory, form.map { "\($0.title), unpacked" } ?? "a directory"))
            }
        }
        leftOut += members.foreignLinks.map { ($0, "a link that another user made to what is not theirs") }
        guard !references.isEmpty else {
            let more = leftOut.count > 4 ? " and \(leftOut.count - 4) more" : ""
            throw ImageError.foreign(
                ForeignContent(
                    location,
                    kind: "a directory with "
                        + leftOut.prefix(4).map { "\(lastComponent(of: $0.file)): \($0.kind)" }.joined(separator: ", ")
                        + more,
                    advice: ForeignFile.saveAnew))
        }
        return (references, leftOut)
    }

    /// Whether it is a directory with archives in it, and neither one image archive unpacked nor the volumes of one set.
    func isDirectoryOfArchives(_ reference: ImageReference) throws -> Bool {
        guard reference.isArchive, try !reference.isStandardStream && fileKind(reference.location) == .directory,
            try ImageForm(of: trees.recognise(reference.location), isCertain: true) == nil
        else { return false }
        let archives = try Self.archives(in: reference.location)
        return !archives.isEmpty && (reference.transport != .ociArchive || !VolumeNames.isSet(archives))
    }

    /// The files of a directory that have an archive's name, or begin as an archive does.
    static func archives(in directory: String) throws -> [String] {
        try DirectoryMembers(of: directory).files.filter { isArchiveName($0) || beginsAsArchive($0) }
    }

    private static func isArchiveName(_ path: String) -> Bool {
        let name = path.lowercased()
        return [".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2"].contains { name.hasSuffix($0) }
    }

    private static func beginsAsArchive(_ path: String) -> Bool {
        guard let file = try? OpenFile(reading: path),
            let start = try? PeekingSource(FileSource(file)).peek(TarFormat.blockSize)
        else { return false }
        return CompressionFormat.sniff(start) != .none || TarFormat.isHeader(start)
    }

    /// Whether a file has a member of a tar, whatever follows.
    private func beginsAsTar(_ path: String) -> Bool {
        guard let file = try? OpenFile(reading: path) else { return false }
        return (try? TarReader(FileSource(file), name: path, limit: trees.options.inflation).next()) ?? nil != nil
    }
}

/// Paths in a directory, sorted; hidden ones are left out.
private struct DirectoryMembers {
    private(set) var files: [String] = []
    private(set) var directories: [String] = []
    /// Links that are not followed: they would have this process read what their makers may not.
    private(set) var foreignLinks: [String] = []

    init(of path: String) throws {
        guard let directory = try DirectoryHandle.open(path, reach: .trusted) else { return }
        for entry in try directory.entries().sorted(by: { $0.name < $1.name }) where !entry.name.hasPrefix(".") {
            let member = path.hasSuffix("/") ? path + entry.name : "\(path)/\(entry.name)"
            var kind: FileKind? = entry.kind
            if kind == .link {
                if let departure = try directory.departure(entry.name) {
                    if departure.target != nil { foreignLinks.append(member) }
                    continue
                }
                kind = try directory.status(entry.name)?.kind
            }
            switch kind {
            case .file: files.append(member)
            case .directory: directories.append(member)
            default: break
            }
        }
    }
}
