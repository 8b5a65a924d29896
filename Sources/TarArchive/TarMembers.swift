import ByteStreams
import ImageModel

/// The members of a tar by path, and where its links lead.
///
/// There may be a million of them: each is a record of 32 bytes and its path, in the order of the paths' bytes.
package final class TarMembers: Sendable {
    /// A member, its path and its link's target in `text`.
    fileprivate struct Record: Sendable {
        var size: Int64
        var dataOffset: Int64
        var pathStart: UInt32
        var pathLength: UInt16
        var targetLength: UInt16
        var kind: Kind
    }

    fileprivate enum Kind: UInt8, Sendable { case file, directory, symbolicLink, hardLink, other }

    private let records: [Record]
    private let text: [UInt8]
    private let name: String

    /// What helps where a link leads to what was not packed.
    private static let wayOut = "pack it again with its links followed: tar -h -C DIR -cf FILE ."

    /// As many as Linux follows.
    private static let linkLimit = 40

    /// Collects the members of a tar, in the order in which they lie there.
    package struct Builder: Sendable {
        private var records: [Record] = []
        private var text: [UInt8] = []

        package init() {}

        /// - Parameter entry: its path and target together are no longer than 64 KiB, and those of all members are no
        ///   longer than 4 GiB: `TarReader` sees to that.
        package mutating func add(_ entry: TarEntry) {
            let (kind, target): (Kind, String) =
                switch entry.kind {
                case .file: (.file, "")
                case .directory: (.directory, "")
                case .symbolicLink(let target): (.symbolicLink, target)
                case .hardLink(let target): (.hardLink, target)
                case .other: (.other, "")
                }
            records.append(
                Record(
                    size: entry.size, dataOffset: entry.dataOffset, pathStart: UInt32(text.count),
                    pathLength: UInt16(entry.path.utf8.count), targetLength: UInt16(target.utf8.count), kind: kind))
            text += entry.path.utf8
            text += target.utf8
        }

        /// - Parameter name: of the archive, for messages.
        package consuming func build(name: String) -> TarMembers {
            TarMembers(records, text, name: name)
        }
    }

    private init(_ records: consuming [Record], _ text: [UInt8], name: String) {
        self.text = text
        self.name = name
        text.withUnsafeBufferPointer { text in
            func path(_ record: Record) -> Slice<UnsafeBufferPointer<UInt8>> {
                let start = Int(record.pathStart)
                return text[start..<start + Int(record.pathLength)]
            }
            // Of several members of one path the last comes first, and is the one that counts.
            records.sort { first, second in
                let (one, other) = (path(first), path(second))
                return one.elementsEqual(other)
                    ? first.dataOffset > second.dataOffset : one.lexicographicallyPrecedes(other)
            }
            var kept = 0
            for position in records.indices {
                if kept > 0, path(records[kept - 1]).elementsEqual(path(records[position])) { continue }
                records[kept] = records[position]
                kept += 1
            }
            records.removeLast(records.count - kept)
        }
        self.records = records
    }

    private func path(at position: Int) -> ArraySlice<UInt8> {
        let start = Int(records[position].pathStart)
        return text[start..<start + Int(records[position].pathLength)]
    }

    private func entry(at path: String) -> TarEntry? {
        let position = lowerBound(of: path.utf8)
        guard position < records.count, self.path(at: position).elementsEqual(path.utf8) else { return nil }
        let record = records[position]
        let targetStart = Int(record.pathStart) + Int(record.pathLength)
        let target = { [text] in
            String(decoding: text[targetStart..<targetStart + Int(record.targetLength)], as: UTF8.self)
        }
        let kind: TarEntry.Kind =
            switch record.kind {
            case .file: .file
            case .directory: .directory
            case .symbolicLink: .symbolicLink(target())
            case .hardLink: .hardLink(target())
            case .other: .other
            }
        return TarEntry(path: path, kind: kind, size: record.size, dataOffset: record.dataOffset)
    }

    /// Names directly below a directory, sorted; nil if nothing lies there.
    package func list(_ directory: String) throws -> [String]? {
        let directory = try resolve(directory).path
        let prefix = directory.isEmpty ? "" : directory + "/"
        var names: Set<String> = []
        var position = lowerBound(of: prefix.utf8)
        while position < records.count, path(at: position).starts(with: prefix.utf8) {
            let rest = path(at: position).dropFirst(prefix.utf8.count)
            let child = String(decoding: rest.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
            if !child.isEmpty { names.insert(child) }
            // What lies below the child is passed over: '0' follows '/'.
            position = child.utf8.count == rest.count ? position + 1 : lowerBound(of: "\(prefix)\(child)0".utf8)
        }
        return names.isEmpty && !directory.isEmpty ? nil : names.sorted()
    }

    /// The file at a path, links followed; nil if there is none.
    ///
    /// - Throws: `ImageError.damaged` if the links go in a circle, or out of the archive.
    package func file(at path: String) throws -> TarEntry? {
        let (target, isLinked) = try resolve(path)
        guard let entry = entry(at: target) else {
            guard !isLinked else {
                throw ImageError.damaged(
                    "\(name): \(path) is a link to \(target), which is missing from the archive; \(Self.wayOut)")
            }
            return nil
        }
        return entry.kind == .file ? entry : nil
    }

    /// Where a path leads when the links on it are followed, those of directories too; it need not be there.
    ///
    /// - Throws: `ImageError.damaged` if the links go in a circle, or out of the archive.
    package func resolved(_ path: String) throws -> String { try resolve(path).path }

    private func resolve(_ path: String) throws -> (path: String, isLinked: Bool) {
        var path = path
        var seen: Set<String> = []
        while let link = link(on: path) {
            guard seen.insert(path).inserted, seen.count <= Self.linkLimit else {
                throw ImageError.damaged("\(name): the link \(path) leads back to itself, or to too many others")
            }
            let target = try target(of: link)
            let rest = Substring(path.utf8.dropFirst(link.path.utf8.count))
            path = target.isEmpty ? String(Substring(rest.utf8.drop { $0 == UInt8(ascii: "/") })) : target + rest
        }
        return (path, !seen.isEmpty)
    }

    /// The link that stands in the way of a path: the member itself, or else a directory above it.
    private func link(on path: String) -> TarEntry? {
        if let entry = entry(at: path) { return entry.isLink ? entry : nil }
        for end in path.utf8.indices where path.utf8[end] == UInt8(ascii: "/") {
            if let above = entry(at: String(path[..<end])), above.isLink { return above }
        }
        return nil
    }

    private func target(of link: TarEntry) throws -> String {
        switch link.kind {
        case .hardLink(let target): return try TarPath.normalised(target, in: name)
        case .symbolicLink(let target):
            let directory = components(of: link.path).dropLast().joined(separator: "/")
            guard !isAbsolute(target), let resolved = TarPath.resolve(target, from: directory) else {
                throw ImageError.damaged(
                    "\(name): the link \(link.path) leads out of the archive, to \(target); \(Self.wayOut)")
            }
            return resolved
        case .file, .directory, .other: return link.path
        }
    }

    /// Of the paths that are not less.
    private func lowerBound(of path: String.UTF8View) -> Int {
        var range = 0..<records.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range =
                self.path(at: middle).lexicographicallyPrecedes(path)
                ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

extension TarEntry {
    fileprivate var isLink: Bool {
        switch kind {
        case .hardLink, .symbolicLink: true
        case .file, .directory, .other: false
        }
    }
}
