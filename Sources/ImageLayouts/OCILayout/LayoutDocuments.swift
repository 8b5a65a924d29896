package import ByteStreams
package import FileTrees
import ImageModel
import ImageTransfer
package import ImageVerification

/// What the two documents say without which there is no layout, and what is wrong with them: for a verification.
package struct LayoutDocuments {
    package private(set) var entries: [LayoutEntry] = []
    package private(set) var findings: [Finding] = []
    private let tree: any FileTree
    private let title: String
    private let kind: String

    /// - Parameters:
    ///   - tree: of the place that is verified.
    ///   - directory: of the layout in it, with a slash at its end; empty if it is the whole.
    ///   - title: what messages call the layout.
    ///   - kind: what messages call a place like this.
    package init(_ tree: any FileTree, in directory: String = "", title: String, kind: String = "layout") throws {
        self.tree = tree
        self.title = title
        self.kind = kind
        try readLayout("\(directory)\(OCIPaths.layout)")
        try readIndex("\(directory)\(OCIPaths.index)")
    }

    private mutating func readLayout(_ path: String) throws {
        do {
            if let bytes = try tree.read(path, limit: Document.sizeLimit) {
                try Self.check(BytesSource(bytes), at: path)
            } else {
                damaged(path, "is not there, so this is no OCI layout to most programs", isImplied: true)
            }
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            damaged(path, "cannot be understood: \(error)", isImplied: true)
        }
    }

    private mutating func readIndex(_ path: String) throws {
        do {
            guard let index = try tree.list(LayoutList.self, at: path) else {
                return damaged(path, "is not there, so nobody knows what images there are", isImplied: false)
            }
            entries = index.entries
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            damaged(path, "cannot be understood: \(error)", isImplied: false)
        }
    }

    /// - Parameter isImplied: whether there is only one thing that it can say.
    private mutating func damaged(_ path: String, _ problem: String, isImplied: Bool) {
        findings.append(
            Finding(
                .listDamaged, path, problem, affected: [AffectedImage("everything in \(title)")],
                advice: isImplied
                    ? "--repair-from with any source writes it anew"
                    : "--repair-from a copy of this \(kind) brings it back",
                remedy: .file(path, implied: isImplied ? Array(OCIPaths.layoutContent.utf8) : nil, target: nil)))
    }

    /// Whether a file is there, and is what one of that name has to be.
    package static func isSound(
        _ path: String, in root: DirectoryHandle, by check: (any ByteSource, String) throws -> Void = check
    ) -> Bool {
        guard let file = try? root.file(path) else { return false }
        return (try? check(FileSource(file), path)) != nil
    }

    /// - Throws: `ImageError` if it is not what one of that name has to be.
    package static func check(_ source: any ByteSource, at path: String) throws {
        if lastComponent(of: path) == OCIPaths.layout {
            let bytes = try source.readAll(limit: Document.sizeLimit, name: path)
            let version = try OCILayoutFile(bytes, name: path).imageLayoutVersion
            guard OCILayoutFile.isKnown(version) else {
                throw ImageError.invalidDocument(
                    "\(path) says that this is a layout of version \(version), and 1.0 is known")
            }
        } else {
            _ = try LayoutList(reading: source, name: path)
        }
    }
}
