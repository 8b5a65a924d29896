import ByteStreams
import FileTrees

/// What the files of a set are called: of `set.tar`, `set.001.tar` and so on.
package struct VolumeNames {
    private let base: String
    private static let ending = ".tar"

    /// - Parameter path: of the archive, as if it were one file.
    init(of path: String) { base = path.hasSuffix(Self.ending) ? String(path.dropLast(Self.ending.count)) : path }

    /// - Parameter path: of one, whatever its number.
    init(ofRecoveryVolume path: String) {
        let name = lastComponent(of: path)
        base = (path.contains("/") ? parent(of: path) + "/" : "") + Self.stem(of: name)
    }

    /// What the files of a set have in common, of the name of any of them.
    package static func stem(of name: String) -> String {
        let bare = name.hasSuffix(ending) ? name.dropLast(ending.count) : name[...]
        guard let dot = bare.lastIndex(of: ".") else { return String(bare) }
        let number = bare[bare.index(after: dot)...]
        let isOfSet = Self.number(of: name) != nil || number.hasPrefix(recoveryMark)
        return String(isOfSet ? bare[..<dot] : bare)
    }

    private static let recoveryMark = "recovery-"

    /// - Parameter number: from 1.
    func recovery(_ number: Int) -> String { "\(base).\(Self.recoveryMark)\(number)\(Self.ending)" }

    package static func isRecovery(_ path: String) -> Bool { lastComponent(of: path).contains(".\(recoveryMark)") }

    /// - Parameter number: from 1.
    func volume(_ number: Int) -> String {
        let digits = String(number)
        return "\(base).\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)\(Self.ending)"
    }

    /// The number in the name of a volume; nil for another name.
    static func number(of path: String) -> Int? {
        guard path.hasSuffix(ending) else { return nil }
        let digits = path.dropLast(ending.count).suffix(3)
        let stem = path.dropLast(ending.count + 3)
        guard digits.count == 3, digits.allSatisfy({ $0.isASCII && $0.isNumber }), stem.hasSuffix("."),
            stem.count > 1, let number = Int(digits), number > 0
        else { return nil }
        return number
    }

    /// Whether a file is a volume, for data or for recovery: by its name, and by what is in it, since any tarball may
    /// be called `alpine.319.tar`.
    package static func isVolume(_ path: String) -> Bool {
        guard number(of: path) != nil || isRecovery(path), let tree = try? openTree(OpenFile(reading: path)) else {
            return false
        }
        return (try? tree.size(of: VolumePaths.place)) ?? nil != nil
    }

    /// Whether archives are volumes of one set, and nothing else: what is called so, and cannot be read, is one that is
    /// damaged.
    package static func isSet(_ files: [String]) -> Bool {
        files.allSatisfy { number(of: $0) != nil || isRecovery($0) }
            && Set(files.map { stem(of: lastComponent(of: $0)) }).count == 1 && files.contains(where: isVolume)
    }

    /// Volumes that lie where one is, or in a directory, or under the name of a whole set; sorted.
    package static func files(at path: String) throws -> [String] {
        if try fileKind(path) == .directory {
            return try (listDirectory(path) ?? []).filter { number(of: $0) != nil }.map { "\(path)/\($0)" }
        }
        let names = VolumeNames(of: number(of: path) == nil ? path : String(path.dropLast(4 + ending.count)))
        if try fileKind(path) != nil, number(of: path) == nil { return [] }
        return try names.present()
    }

    private func present() throws -> [String] {
        let prefix = lastComponent(of: base) + "."
        return try beside().filter { path in
            let name = lastComponent(of: path)
            return name.count == prefix.count + 3 + Self.ending.count && Self.number(of: name) != nil
        }
    }

    /// All files that have names of the set's volumes and recovery volumes, whatever is in them; sorted.
    func files() throws -> [String] {
        try beside().filter { path in
            let name = lastComponent(of: path)
            return (Self.number(of: name) != nil || Self.isRecovery(name))
                && Self.stem(of: name) == lastComponent(of: base)
        }.sorted()
    }

    /// All files whose names begin like the set's.
    private func beside() throws -> [String] {
        let directory = parent(of: base)
        let prefix = lastComponent(of: base) + "."
        return try (listDirectory(directory) ?? []).filter { $0.hasPrefix(prefix) && $0.hasSuffix(Self.ending) }
            .map { base.contains("/") ? "\(directory)/\($0)" : $0 }
    }

    /// Takes away the volumes of an older set under this name, so that they do not mix with the new one.
    ///
    /// - Returns: what to say about it.
    func removeOthers(than list: PackingList) throws -> [String] {
        let own = Set(
            (1...list.volumes.count).map(volume) + (0..<list.recoveryVolumes).map { recovery($0 + 1) })
        var removed: [String] = []
        // What is called `base.OTHER.001.tar` belongs to another set.
        for path in try beside()
        where !own.contains(path) && Self.stem(of: lastComponent(of: path)) == lastComponent(of: base) {
            // What is no volume is not ours.
            guard Self.isVolume(path) else { continue }
            let place = try FilePlace(path, followingLinks: false)
            try place.directory.removeFile(place.name)
            removed.append(path)
        }
        return removed.isEmpty ? [] : ["\(removed.joined(separator: ", ")) of an older set of this name went away"]
    }
}
