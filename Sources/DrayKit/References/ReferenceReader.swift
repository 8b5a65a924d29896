package import ByteStreams
package import FileTrees
import Glibc
import ImageLayouts

/// Reads references as they are typed, looking at what is on disk.
package final class ReferenceReader: Sendable {
    /// Has what was opened to be recognised.
    package let trees: TreeOpener

    package init(inflation: InflationLimit = .standard) { trees = TreeOpener(.ofImages(inflation)) }

    /// - Parameter isWritten: whether the place may have to be made.
    /// - Throws: `ImageError`; `ImageError.foreign` for a path that holds no images, `ImageError.damaged`,
    ///   `ImageError`.
    package func read(_ text: String, isWritten: Bool = false) throws -> ImageReference {
        try ImageReference(
            text, isWritten: isWritten, exists: Self.isPath,
            recognise: { path in
                if isWritten { try Self.refuseEmptyDirectory(path) }
                return try recognise(path)
            })
    }

    /// A directory that was made for the images does not say what it is to be.
    private static func refuseEmptyDirectory(_ path: String) throws {
        guard try fileKind(path) == .directory, try listDirectory(path)?.isEmpty == true else { return }
        throw ImageError.usage(
            "'\(path)': an empty directory; write store:\(path) (a registry's storage) or oci:\(path)")
    }

    /// Whether a text is the path of something that is there.
    private static func isPath(_ text: String) throws -> Bool {
        do {
            return try fileKind(text) != nil
        } catch let error as ImageError where [ENAMETOOLONG, ELOOP].contains(error.errno) {
            return false
        }
    }

    /// The transport for what lies at a path.
    ///
    /// - Throws: `ImageError.foreign` for what holds no images, `ImageError.damaged`.
    func recognise(_ path: String) throws -> ImageReference.Transport {
        let tree = try trees.recognise(path)
        let isDirectory = tree is DirectoryTree
        if try isStore(tree) { return .store }
        func transport(isCertain: Bool) throws -> ImageReference.Transport? {
            try ImageForm(of: tree, isCertain: isCertain)?.transport(isDirectory: isDirectory)
        }
        if let transport = try transport(isCertain: true) { return transport }
        if isDirectory {
            let archives = try Self.archives(in: path)
            if !archives.isEmpty { return VolumeNames.isSet(archives) ? .ociArchive : .dockerArchive }
        }
        if let transport = try transport(isCertain: false) { return transport }
        throw try ForeignMembers.error(of: tree)
    }

    private func isStore(_ tree: any FileTree) throws -> Bool {
        do {
            return try StoreSource(tree).pathsIfThere() != nil
        } catch let error as ImageError where error.errno != nil {
            throw error
        } catch {
            return false
        }
    }
}
