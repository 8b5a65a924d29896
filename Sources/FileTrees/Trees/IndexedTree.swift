package import ByteStreams
import ImageModel
import Synchronization
import TarArchive

/// A plain tar on disk: its members by offset, in any order, many at once.
package final class IndexedTree: FileTree {
    package let path: String
    private let index: TarIndex
    private let known = Mutex<[String: FileFacts]>([:])

    /// - Throws: `ImageError.foreign` for what is no tar.
    package init(_ file: OpenFile) throws {
        path = file.path
        do {
            index = try TarIndex(file, name: file.path)
        } catch let error as NotATarError {
            throw error.explained(path: file.path)
        }
    }

    package var title: String { path }

    package func size(of path: String) throws -> Int64? { try index.members.file(at: path)?.size }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try open(path)?.readAll(limit: limit, name: "\(title): \(path)")
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        guard let entry = try index.members.file(at: path) else { return nil }
        try index.file.checkUnchanged()
        return index.open(entry)
    }

    package func list(_ path: String) throws -> [String]? { try index.members.list(path) }

    package func resolved(_ path: String) throws -> String? { try index.members.resolved(path) }

    package func facts(of path: String) throws -> FileFacts? {
        guard let entry = try index.members.file(at: path) else { return nil }
        if let facts = known.withLock({ $0[entry.path] }) { return facts }
        let facts = try FileFacts(reading: index.open(entry))
        known.withLock { $0[entry.path] = facts }
        return facts
    }

    package func stamp(of path: String) throws -> String? { try index.file.stamp().text }
}
