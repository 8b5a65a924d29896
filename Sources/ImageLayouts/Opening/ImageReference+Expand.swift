public import ByteStreams
public import ImageModel

extension ImageReference {
    /// What a reference means as a source: of a directory of archives, each archive in it, in the order of their names.
    ///
    /// - Returns: the references, and the paths of what lies there and is no archive. What has an archive's name, and
    ///   cannot be read as one, is among the references: it is for the copy to say what is wrong with it.
    /// - Throws: `ReferenceError` if an image of the directory is named.
    public func expanded(
        inflation: InflationLimit = .standard
    ) throws -> (references: [ImageReference], leftOut: [String]) {
        guard isDirectoryOfArchives else { return ([self], []) }
        guard name == nil, digest == nil else {
            throw ReferenceError("\(self): \(location) is a directory of archives: name an image of one of them")
        }
        var references: [ImageReference] = []
        var leftOut: [String] = []
        for file in try Self.files(in: location) {
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

    private var isDirectoryOfArchives: Bool {
        (transport == .dockerArchive || transport == .ociArchive) && (try? fileKind(location)) == .directory
    }

    /// Whether something in a directory is called as an archive is.
    static func holdsArchives(_ directory: String) throws -> Bool {
        try files(in: directory).contains(where: isArchiveName)
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
