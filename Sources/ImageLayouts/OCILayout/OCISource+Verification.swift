import ByteStreams
import FileTrees
package import ImageModel
import ImageTransfer
package import ImageVerification

/// A layout is verified with all blobs that lie in it; one in an archive, by what its index leads to.
extension OCISource: VerifiedPlace {
    package func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        guard name == nil, digest == nil else {
            var survey = PlaceSurvey(try await listing(named: name, digest: digest))
            survey.isLive = tree is DirectoryTree
            return survey
        }
        return try await Workers.blobs.run { [self] in
            guard try tree.hasPartOfLayout else { throw try ForeignMembers.error(of: tree) }
            var survey = PlaceSurvey()
            let documents = try LayoutDocuments(tree, title: title)
            survey.findings = documents.findings
            survey.roots = documents.entries.map {
                PlaceSurvey.Root(
                    SourceImage(name: $0.name, descriptor: $0.descriptor).title, $0.descriptor, repository: nil)
            }
            guard let directory = tree as? DirectoryTree else { return survey }
            survey.isLive = true
            survey.reclaim = "remove it"
            try Self.addFiles(of: directory.path, to: &survey)
            return survey
        }
    }

    private static func addFiles(of path: String, to survey: inout PlaceSurvey) throws {
        let root = try DirectoryHandle.open(path, reach: .anywhere)
        let blobs = try BlobFolder(in: root, kind: "layout")
        var permissions = blobs.permissions
        for entry in try root?.entries() ?? [] {
            switch entry.name {
            // Docker's own list may lie beside the layout's.
            case OCIPaths.layout, OCIPaths.index, "manifest.json", "repositories":
                if let status = try root?.status(entry.name) { permissions.add(entry.name, status) }
            case OCIPaths.blobs, ".dray": break
            default:
                survey.findings.append(
                    Finding(.foreign, entry.name, "is nothing that belongs to a layout", advice: "remove it"))
            }
        }
        survey.findings += try blobs.findings + StagingArea.leftovers(in: path) + permissions.findings
        survey.blobs = blobs.sizes
    }

    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? {
        try tree.stamp(of: OCIPaths.blob(blob.digest))
    }

    /// One that is damaged would bring nothing back.
    package func listFile(_ name: String) async throws -> [UInt8]? {
        guard name == OCIPaths.layout || name == OCIPaths.index else { return nil }
        return try await Workers.blobs.run { [tree] in
            let bytes = try tree.read(name, limit: Document.listSizeLimit)
            if let bytes { try LayoutDocuments.check(BytesSource(bytes), at: name) }
            return bytes
        }
    }
}

extension FileTree {
    /// Whether anything is there of what makes a layout.
    fileprivate var hasPartOfLayout: Bool {
        get throws {
            // First what a link may lead to that is not followed.
            try list(OCIPaths.blobs) != nil || size(of: OCIPaths.index) != nil || size(of: OCIPaths.layout) != nil
        }
    }
}
