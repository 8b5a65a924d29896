public import ByteStreams
public import ImageModel

extension ImageReference {
    /// What a reference means as a source: of a directory of archives, each archive in it, in the order of their names;
    /// the volumes of a set are one.
    ///
    /// - Returns: the references, and the paths of what lies there and is no archive. What has an archive's name, and
    ///   cannot be read as one, is among the references: it is for the copy to say what is wrong with it.
    /// - Throws: `ReferenceError` if an image of the directory is named.
    public func expanded(
        inflation: InflationLimit = .standard
    ) throws -> (references: [ImageReference], leftOut: [String]) {
        guard try isDirectoryOfArchives else { return ([self], []) }
        guard name == nil, digest == nil else {
            throw ReferenceError("\(self): \(location) is a directory of archives: name an image of one of them")
        }
        var references: [ImageReference] = []
        var leftOut: [String] = []
        var sets: Set<String> = []
        for file in try Self.files(in: location) {
            // The first of a set leads to the others.
            if VolumeNames.isVolume(file),
                VolumeNames.isRecovery(file) || !sets.insert(VolumeNames.stem(of: lastComponent(of: file))).inserted
            {
                continue
            }
            let found = Self.isArchiveName(file) ? transport : nil
            // What is damaged is told when it is opened.
            let transport = (try? Self.recognise(file, inflation)) ?? found
            if let transport {
                references.append(ImageReference(transport: transport, location: file))
            } else {
                leftOut.append(file)
            }
        }
        guard !references.isEmpty else { throw ReferenceError("\(location) is a directory without an archive in it") }
        return (references, leftOut)
    }

    /// Whether it is a directory with archives in it, and not with the volumes of a set alone.
    var isDirectoryOfArchives: Bool {
        get throws {
            guard isArchive, try !isStandardStream && fileKind(location) == .directory else { return false }
            return try transport != .ociArchive || !VolumeNames.isSet(Self.archives(in: location))
        }
    }

    /// What is called in a directory as an archive is.
    static func archives(in directory: String) throws -> [String] {
        try files(in: directory).filter(isArchiveName)
    }

    private static func files(in directory: String) throws -> [String] {
        let base = directory.hasSuffix("/") ? directory : directory + "/"
        return try (listDirectory(directory) ?? []).sorted().filter { !$0.hasPrefix(".") }.map { base + $0 }.filter {
            try fileKind($0) == .file
        }
    }

    private static func isArchiveName(_ path: String) -> Bool {
        let name = path.lowercased()
        return [".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2"].contains { name.hasSuffix($0) }
    }
}
