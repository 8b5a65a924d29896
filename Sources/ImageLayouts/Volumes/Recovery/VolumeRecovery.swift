import ByteStreams
import FileTrees
package import ImageModel
package import ImageTransfer

/// Makes lost or damaged volumes of a set anew, from those that are whole and as many recovery volumes.
///
/// Volumes are known by their digests, which stand in the recovery volumes: it does not matter what they are
/// called, nor where they lie.
package struct VolumeRecovery: Sendable {
    /// A volume that was made anew.
    package struct Volume: Sendable {
        package var path: String
        /// From 1.
        package var number: Int
        package var digest: Digest
        /// Bytes.
        package var size: Int64
    }

    private let paths: [String]
    private let progress: Progress

    /// - Parameter paths: files of the set, or directories with them; files are looked for beside each other.
    package init(_ paths: [String], progress: Progress = Progress()) {
        self.paths = paths
        self.progress = progress
    }

    /// - Parameter directory: where volumes are written; nil for beside the first recovery volume.
    /// - Returns: the volumes that were lost, in their order.
    /// - Throws: `ImageError.damaged` if there are too few recovery volumes, `ImageError.refused` if there is no
    ///   room for what was lost; nothing is written then.
    package func run(into directory: String? = nil) async throws -> [Volume] {
        try await Workers.blobs.run(stoppable: { stop in try recover(into: directory, stop) })
    }

    private struct Parity {
        let tree: any FileTree
        let file: RecoveryFile
    }

    private func recover(into directory: String?, _ stop: StopFlag) throws -> [Volume] {
        let candidates = try candidates()
        let recoveries = try candidates.compactMap { path -> Parity? in
            guard VolumeNames.isRecovery(path) else { return nil }
            do {
                let tree = try openTree(OpenFile(reading: path))
                return try RecoveryFile(in: tree).map { Parity(tree: tree, file: $0) }
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                // It is as lost as the others.
                return nil
            }
        }
        guard let first = recoveries.first else {
            let missing =
                try paths.first { try fileKind($0) == nil }.map { "\($0): no such file or directory, and " } ?? ""
            throw ImageError.notFound(
                "\(missing)there is no recovery volume at \(paths.joined(separator: ", ")); without one, nothing can be made "
                    + "anew")
        }
        if let other = recoveries.first(where: { $0.file.set != first.file.set }) {
            throw ImageError.damaged(
                "\(other.tree.title) is of another set than \(first.tree.title): name the volumes of one set")
        }
        let volumes = first.file.volumes
        let present = try find(volumes, in: candidates, stop)
        let lost = volumes.indices.filter { present[$0] == nil }
        guard !lost.isEmpty else { return [] }
        var parity: [Int: Parity] = [:]
        for recovery in recoveries where parity.count < lost.count && parity[recovery.file.number] == nil {
            guard recovery.file.volumes == volumes, recovery.file.recoveryVolumes == first.file.recoveryVolumes,
                try isWhole(recovery, stop)
            else { continue }
            parity[recovery.file.number] = recovery
        }
        guard parity.count == lost.count else {
            throw Self.tooFew(recoveryVolumes: parity.count, for: lost.map { $0 + 1 })
        }
        let names = VolumeNames(ofRecoveryVolume: first.tree.path)
        let targets = try lost.map { number in
            try target(names.volume(number + 1), directory, set: first.file.set)
        }
        try checkRoom(for: lost.map { volumes[$0].size }, in: parent(of: targets[0]))
        return try make(
            lost, of: volumes, from: present, parity.sorted { $0.key < $1.key }.map(\.value), at: targets, stop)
    }

    private static func tooFew(recoveryVolumes count: Int, for lost: [Int]) -> ImageError {
        let numbers = lost.map(String.init)
        let volumes =
            numbers.count == 1
            ? "volume \(numbers[0]) is"
            : "volumes \(numbers.dropLast().joined(separator: ", ")) and \(numbers[numbers.count - 1]) are"
        let there =
            count == 0
            ? "no whole recovery volume is"
            : count == 1 ? "only 1 recovery volume is" : "only \(count) recovery volumes are"
        return .damaged(
            "\(volumes) lost or damaged, and \(there) there; \(lost.count) \(lost.count == 1 ? "is" : "are") needed")
    }

    /// What is damaged keeps its place until it is replaced.
    private func checkRoom(for sizes: [Int64], in directory: String) throws {
        let needed = sizes.reduce(Int64(0)) { $0.addingSaturated($1) }
        let free = try freeSpace(at: directory)
        guard needed <= free else {
            throw ImageError.noRoom(
                in: directory, free: free, needed: needed, orElse: ", or name another directory with --into")
        }
    }

    private func make(
        _ lost: [Int], of volumes: [BlobRecord], from present: [Int: OpenFile], _ parity: [Parity],
        at targets: [String], _ stop: StopFlag
    ) throws -> [Volume] {
        let whole = present.keys.sorted()
        let code = try ErasureCode(
            making: lost, from: whole + parity.map { volumes.count + $0.file.number - 1 }, data: volumes.count,
            parity: parity[0].file.recoveryVolumes)
        var sources: [any ByteSource] = whole.compactMap { present[$0].map { FileSource($0) } }
        sources += try parity.compactMap { try $0.tree.open(RecoveryFile.parityPath) }
        progress.plan(
            whole.map { volumes[$0].size }.reduce(Int64(parity.count) * parity[0].file.parity.size) {
                $0.addingSaturated($1)
            })
        sources = sources.map { MeteredSource($0, progress: progress, stop: stop) }
        let reader = ShardReader(
            sources, length: parity[0].file.parity.size, others: lost.count)
        // Who may not read the others may not read these.
        let mode =
            try present.values.reduce(0o666) { try $0 & $1.stamp().mode }
            & parity.reduce(0o666) { try $0 & FileStamp(of: $1.tree.path).mode }
        let files = try targets.map { try StagedFile(beside: FilePlace($0, followingLinks: false), mode: mode) }
        let buffers = lost.map { _ in
            UnsafeMutableRawBufferPointer.allocate(byteCount: reader.stripeSize, alignment: 64)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        var hashers = lost.map { _ in DigestHasher(.sha256) }
        try reader.forEachStripe { stripes in
            let made = buffers.map { UnsafeMutableRawBufferPointer(rebasing: $0[..<stripes[0].count]) }
            code.run(stripes, made)
            for (position, file) in files.enumerated() {
                let rest = max(0, min(Int64(made[position].count), volumes[lost[position]].size - file.count))
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(made[position])[..<Int(rest)])
                hashers[position].update(bytes)
                try file.write(bytes)
            }
        }
        for (position, hasher) in hashers.enumerated() {
            guard hasher.finalize() == volumes[lost[position]].digest else {
                throw ImageError.damaged(
                    "volume \(lost[position] + 1) came out with another digest than it had: a file of the set changed "
                        + "while it was read")
            }
        }
        return try zip(zip(files, targets), lost).map { made, number in
            try made.0.commit()
            return Volume(
                path: made.1, number: number + 1, digest: volumes[number].digest, size: volumes[number].size)
        }
    }

    // MARK: Finding

    /// What may be a file of the set.
    private func candidates() throws -> [String] {
        var found: [String] = []
        for path in paths {
            let isDirectory = try fileKind(path) == .directory
            let directory = isDirectory ? path : parent(of: path)
            guard let names = try listDirectory(directory) else { throw ImageError.notFound("there is no \(path)") }
            let stem = isDirectory ? nil : VolumeNames.stem(of: lastComponent(of: path))
            for name in names where name.hasSuffix(".tar") && (stem.map { name.hasPrefix($0 + ".") } ?? true) {
                let file = "\(directory)/\(name)"
                if try fileKind(file) == .file { found.append(file) }
            }
            // Whatever it is called.
            if !isDirectory, try fileKind(path) == .file { found.append(path) }
        }
        var seen: Set<String> = []
        return try found.filter { seen.insert(try realPath($0) ?? $0).inserted }
    }

    /// The volumes that are whole, by their position: open, since another file may come to be at the path of one.
    private func find(
        _ volumes: [BlobRecord], in candidates: [String], _ stop: StopFlag
    ) throws -> [Int: OpenFile] {
        var present: [Int: OpenFile] = [:]
        let sizes = Set(volumes.map(\.size))
        let files = try candidates.compactMap { path -> OpenFile? in
            let file = try OpenFile(reading: path)
            guard sizes.contains(file.size) else { return nil }
            progress.plan(file.size)
            return file
        }
        for file in files {
            let digest = try digest(of: FileSource(file), stop)
            for (position, volume) in volumes.enumerated()
            where volume.digest == digest && volume.size == file.size && present[position] == nil {
                present[position] = file
                break
            }
        }
        return present
    }

    private func isWhole(_ recovery: Parity, _ stop: StopFlag) throws -> Bool {
        guard let source = try recovery.tree.open(RecoveryFile.parityPath) else { return false }
        progress.plan(recovery.file.parity.size)
        return try digest(of: source, stop) == recovery.file.parity.digest
    }

    private func digest(of source: any ByteSource, _ stop: StopFlag) throws -> Digest {
        let hashing = HashingSource(MeteredSource(source, progress: progress, stop: stop))
        _ = try hashing.drain()
        return hashing.digest()
    }

    /// Where a volume goes: over a damaged one, and over nothing else.
    private func target(_ path: String, _ directory: String?, set: Digest) throws -> String {
        let path = directory.map { "\($0)/\(lastComponent(of: path))" } ?? path
        guard try fileKind(path) != nil else { return path }
        do {
            let place = try VolumePlace(in: openTree(OpenFile(reading: path)))
            if place?.set == set { return path }
        } catch let error as ImageError where error.isAboutContent {
            return path
        }
        throw ImageError.refused(
            "\(path) is there, and no volume of this set: move it away, or name another directory with --into")
    }
}
