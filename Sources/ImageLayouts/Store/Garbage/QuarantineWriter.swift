import ByteStreams
import Glibc
import ImageModel
import Synchronization

/// Where one run moves what it would delete. Used by one thread at a time.
final class QuarantineWriter: Sendable {
    private struct Item: Encodable {
        var path: String
        var size: Int64
    }

    let id: String
    private let root: String
    private let ownership: Ownership
    private let items = Mutex<[Item]>([])

    private var place: String { "\(root)/.dray/quarantine/\(id)" }

    /// - Parameter root: the store's.
    init(root: String) throws {
        self.root = root
        ownership = Ownership(of: root)
        let base = Self.timestamp()
        var name = base
        var number = 1
        while try fileKind("\(root)/.dray/quarantine/\(name)") != nil {
            number += 1
            name = "\(base)-\(number)"
        }
        id = name
        try makeDirectories("\(root)/.dray/quarantine/\(name)", ownership: ownership)
    }

    private static func timestamp() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// - Parameter path: of a file, below `docker/registry/v2`.
    func take(_ path: String, size: Int64) throws {
        let relative = "\(StorePaths.standard.root)/\(path)"
        let target = "\(place)/\(relative)"
        try makeDirectories(parent(of: target), ownership: ownership)
        try systemCall("move to \(target)", "\(root)/\(relative)") { rename("\(root)/\(relative)", target) }
        items.withLock { $0.append(Item(path: relative, size: size)) }
    }

    /// Writes down what was taken, for people: putting back goes by the files themselves.
    func finish() throws {
        let list = try items.withLock { try Document.encode($0, pretty: true) }
        try writeDurably(list, to: "\(place)/list.json", staging: place, ownership: ownership)
    }
}
