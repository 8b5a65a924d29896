import ConfigurationFiles
import ByteStreams
package import ImageModel

/// What a file for `dray sync` says. `samples/sync/sync.schema.json` tells its keys.
package struct SyncFile: Sendable {
    package var rules: [SyncRule]
    /// By `HOST[:PORT]`.
    package var registries: [String: SyncRegistry]

    /// - Throws: `ImageError` with all that is wrong, each with its line and column.
    package static func read(path: String) throws(ImageError) -> SyncFile {
        let bytes: [UInt8]?
        do {
            bytes = try TextFile.read(path, limit: YAMLNode.sizeLimit)
        } catch let error as ImageError where error.code == .damaged {
            throw ImageError.configuration([error.description])
        } catch {
            throw ImageError.configuration(["\(error): dray needs a file that it can read"])
        }
        guard let bytes else { throw ImageError.configuration(["\(path): there is no such file: name one with rules"]) }
        return try read(bytes, name: path)
    }

    /// - Parameter name: of the file, for messages.
    package static func read(_ bytes: [UInt8], name: String) throws(ImageError) -> SyncFile {
        let findings = Findings(isStrict: true)
        let root: YAMLNode
        do {
            root = try YAMLNode(parsing: bytes, from: .file(name))
        } catch {
            throw ImageError.configuration([error.description])
        }
        let section = Section(root, path: "", place: YAMLPlace(.file(name), line: 1, column: 1), findings: findings)
        let file = SyncFile(section)
        section.finish()
        _ = try findings.warningsUnlessMistaken()
        return file
    }
}
