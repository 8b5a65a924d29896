import Foundation

/// Damages files at random, the same in every run.
struct Vandal {
    enum Act: String, CaseIterable {
        case flip, truncate, empty, remove, swap, stray, directory
    }

    private var random: SeededBytes
    let root: String
    /// Names of files that say themselves what is right, so that a change which reads well is no damage that could be seen.
    let lists: Set<String>

    init(seed: UInt64, root: String, lists: Set<String>) {
        random = SeededBytes(seed: seed)
        self.root = root
        self.lists = lists
    }

    /// - Returns: what was done, for messages.
    mutating func act(on files: [String]) throws -> String {
        let act = Act.allCases.randomElement(using: &random) ?? .flip
        let safe = files.filter { !lists.contains(String($0.split(separator: "/").last ?? "")) }.sorted()
        let all = act == .flip || act == .swap ? safe : files.sorted()
        guard let victim = all.randomElement(using: &random), let content = contents(victim) else { return "nothing" }
        switch act {
        case .flip:
            guard !content.isEmpty else { return "nothing" }
            var bytes = content
            let position = Int.random(in: 0..<bytes.count, using: &random)
            bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try write(bytes, victim)
        case .truncate:
            guard !content.isEmpty else { return "nothing" }
            try write(content.prefix(Int.random(in: 0..<content.count, using: &random)), victim)
        case .empty: try write(Data(), victim)
        case .remove: try FileManager.default.removeItem(atPath: "\(root)/\(victim)")
        case .swap:
            // Two of a kind: links with links, blobs with blobs.
            let kind = isLink(victim)
            let others = safe.filter { isLink($0) == kind && $0 != victim }
            guard let other = others.randomElement(using: &random), let second = contents(other) else {
                return "nothing"
            }
            try write(second, victim)
            try write(content, other)
            return "swap \(victim) \(other)"
        case .stray:
            let folder = victim.split(separator: "/").dropLast().joined(separator: "/")
            try write(
                Data("stray".utf8),
                (folder.isEmpty ? "" : folder + "/") + "stray-\(UInt16.random(in: 0...999, using: &random))")
        case .directory:
            try FileManager.default.removeItem(atPath: "\(root)/\(victim)")
            try FileManager.default.createDirectory(atPath: "\(root)/\(victim)", withIntermediateDirectories: true)
        }
        return "\(act) \(victim)"
    }

    private func isSymbolic(_ path: String) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(path)")) != nil
    }

    private func isLink(_ path: String) -> Bool { path.hasSuffix("/link") || isSymbolic(path) }

    private func contents(_ path: String) -> Data? { PlainReader.contents("\(root)/\(path)") }

    private func write(_ data: Data, _ path: String) throws {
        let place = "\(root)/\(path)"
        guard isSymbolic(path) else { return try data.write(to: URL(filePath: place)) }
        try FileManager.default.removeItem(atPath: place)
        if data.isEmpty { return try data.write(to: URL(filePath: place)) }
        try FileManager.default.createSymbolicLink(
            atPath: place, withDestinationPath: String(decoding: data, as: UTF8.self))
    }
}
