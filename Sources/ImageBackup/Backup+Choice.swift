import ImageModel

/// Which snapshot a text means.
extension Backup {
    /// - Parameters:
    ///   - text: an ID; or a date, for the newest snapshot of that date or before; nil for the newest.
    ///   - sources: references that the snapshot has to be of, as `dray backup` got them.
    ///   - target: where the snapshot is restored. If snapshots are of different sources, those of the target count.
    /// - Throws: `ImageError.refused` if the newest snapshots of different sources are meant.
    package func snapshot(
        _ text: String? = nil, of sources: [String] = [], for target: String? = nil
    ) async throws -> Snapshot {
        var all = try await snapshots()
        var lists = SourceLists()
        if !sources.isEmpty {
            let wanted = lists.list(sources)
            let whole = all.filter { lists.list($0.sources) == wanted }
            let chosen = whole.isEmpty ? all.filter { wanted.isSubset(of: lists.list($0.sources)) } : whole
            guard !chosen.isEmpty else {
                throw ImageError.notFound(
                    "\(path) has no snapshot of \(sources.joined(separator: " and ")); it has snapshots of "
                        + lists.text(all))
            }
            all = chosen
        }
        if let id = try text.flatMap({ try beginning($0, all) }) { return id }
        if text.flatMap({ SnapshotID($0) }) == nil { all = try oneList(of: all, for: target, &lists) }
        if let text, ["oldest", "first"].contains(text), let oldest = all.first { return oldest }
        guard let text, !["latest", "newest", "last"].contains(text) else {
            guard let newest = all.last else { throw ImageError.notFound("\(path) has no snapshot") }
            return newest
        }
        if let id = SnapshotID(text) {
            guard let snapshot = all.first(where: { $0.id == id }) else {
                throw ImageError.notFound("\(path) has no snapshot \(text); 'dray snapshots \(path)' lists them")
            }
            return snapshot
        }
        let found = try all.last { snapshot in
            guard let isOld = snapshot.id.isAsOld(as: text) else {
                throw ImageError.usage(
                    "'\(text)': not a snapshot's ID, latest, oldest, or a date like 2026-11-24; 'dray snapshots \(path)' "
                        + "lists the snapshots")
            }
            return isOld
        }
        guard let found else {
            throw ImageError.notFound(
                "\(path) has no snapshot of \(text) or before"
                    + (all.first.map { ": the oldest is of \($0.id.date)" } ?? ""))
        }
        return found
    }

    /// Snapshots of one list of sources: of the target, if there are several lists.
    private func oneList(of all: [Snapshot], for target: String?, _ lists: inout SourceLists) throws -> [Snapshot] {
        guard Set(all.map { lists.list($0.sources) }).count > 1 else { return all }
        if let target {
            let wanted = lists.list([target])
            let own = all.filter { wanted.isSubset(of: lists.list($0.sources)) }
            if Set(own.map { lists.list($0.sources) }).count == 1 { return own }
        }
        throw ImageError.refused(
            "\(path) has snapshots of different sources (\(lists.text(all))); choose with --source, or with --snapshot and "
                + "an ID ('dray snapshots \(path)' lists them)")
    }

    /// The snapshot whose ID begins so, where that is no date.
    ///
    /// - Throws: `ImageError` if there are several.
    private func beginning(_ text: String, _ all: [Snapshot]) throws -> Snapshot? {
        guard let id = all.first?.id, SnapshotID(text) == nil, id.isAsOld(as: text) == nil, text.first?.isNumber == true
        else { return nil }
        let found = all.filter { $0.id.description.hasPrefix(text) }
        guard found.count <= 1 else {
            throw ImageError.usage(
                "'\(text)': \(found.count) snapshots have such an ID; 'dray snapshots \(path)' lists them")
        }
        return found.first
    }
}
