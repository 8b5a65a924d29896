import ByteStreams
package import ImageModel
import ImageTransfer

/// The form of what lies in a directory of a tree, by the files that are in it.
package enum ImageForm: Sendable {
    case dockerArchive
    case layout
    case store
    /// skopeo's `dir:`.
    case directory
    case backup

    // Names that tell them apart.
    package static let layoutMark = "oci-layout"
    package static let layoutIndex = "index.json"
    package static let layoutBlobs = "blobs"
    package static let storeRoot = "docker/registry/v2"
    /// Directories above a store in an archive, at most.
    package static let storeDepth = 3
    package static let backupMark = "backup.json"
    package static let backupSnapshots = "snapshots"

    /// - Parameters:
    ///   - path: of the directory in the tree; empty for its root.
    ///   - isCertain: whether one file alone is not enough, which other programs may call so as well.
    package init?(of tree: any FileTree, at path: String = "", isCertain: Bool) throws {
        func inside(_ name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }
        func isThere(_ name: String) throws -> Bool { try tree.size(of: inside(name)) != nil }
        func isFolder(_ name: String) throws -> Bool { try tree.list(inside(name)) != nil }
        if try isFolder(Self.storeRoot) {
            self = .store
        } else if try Self.isList(tree, inside("manifest.json")) {
            self = .dockerArchive
        } else if try isThere(Self.layoutIndex),
            try !isCertain || isThere(Self.layoutMark) || isFolder(Self.layoutBlobs)
        {
            self = .layout
        } else if try isThere("repositories"), try !isCertain || Self.hasLegacyLayers(tree, path) {
            self = .dockerArchive
        } else if try isThere("manifest.json"), try isThere("version") || (!isCertain && tree is DirectoryTree) {
            self = .directory
        } else if try !isCertain && isThere("manifest.json") {
            // Its list is damaged.
            self = .dockerArchive
        } else if try isThere(Self.backupMark) && isFolder(Self.backupSnapshots) {
            self = .backup
        } else {
            return nil
        }
    }

    /// Whether a file is a JSON array: the list of a docker-archive.
    private static func isList(_ tree: any FileTree, _ path: String) throws -> Bool {
        do {
            guard let source = try tree.open(path) else { return false }
            return try PeekingSource(source).peek(64).first { $0 > 32 } == UInt8(ascii: "[")
        } catch let error as ImageError where error.code == .refused {
            // It came once, and was too large to be kept.
            return false
        }
    }

    /// Whether a name is that of a layer's directory in an archive before Docker 1.10.
    package static func isLegacyID(_ name: String) -> Bool { Digest(.sha256, hex: name) != nil }

    private static func hasLegacyLayers(_ tree: any FileTree, _ path: String) throws -> Bool {
        try (tree.list(path) ?? []).contains(where: isLegacyID)
    }

    /// - Parameter isDirectory: whether it lies in a directory, and not in an archive.
    /// - Returns: nil for a backup, which no reference leads to, and for a `dir:` in an archive.
    package func transport(isDirectory: Bool) -> ImageReference.Transport? {
        switch self {
        case .dockerArchive: .dockerArchive
        case .layout: isDirectory ? .oci : .ociArchive
        case .store: .store
        case .directory: isDirectory ? .directory : nil
        case .backup: nil
        }
    }

    /// For messages.
    package var title: String {
        switch self {
        case .dockerArchive: "a docker-archive"
        case .layout: "an OCI layout"
        case .store: "a registry's storage"
        case .directory: "a directory of skopeo's dir: transport"
        case .backup: "a backup"
        }
    }
}
