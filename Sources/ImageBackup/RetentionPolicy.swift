import ImageModel

/// Which snapshots to keep: the newest ones, and the newest one of each of the last hours, days, weeks, months and
/// years that have any. Times are UTC; weeks begin on Mondays.
package struct RetentionPolicy: Sendable {
    package var last = 0
    package var hourly = 0
    package var daily = 0
    package var weekly = 0
    package var monthly = 0
    package var yearly = 0

    package init() {}

    package var keepsNothing: Bool { [last, hourly, daily, weekly, monthly, yearly].allSatisfy { $0 <= 0 } }

    /// Each set of sources is looked at by itself, so that one place's snapshots do not push out another's. An incomplete
    /// snapshot never counts in the place of a complete one: the newest of them is kept beside those.
    package func kept(of snapshots: [Snapshot]) -> Set<SnapshotID> {
        var kept: Set<SnapshotID> = []
        var lists = SourceLists()
        for group in Dictionary(grouping: snapshots, by: { lists.list($0.sources) }).values {
            let complete = group.filter(\.missing.isEmpty)
            let newest = (complete.isEmpty ? group : complete).map(\.id).sorted(by: >)
            if let last = group.map(\.id).max(), last != newest.first, !keepsNothing { kept.insert(last) }
            kept.formUnion(newest.prefix(max(0, last)))
            for (count, span) in [
                (hourly, "%Y%m%d%H"), (daily, "%Y%m%d"), (weekly, "%G%V"), (monthly, "%Y%m"), (yearly, "%Y"),
            ] {
                var seen: Set<String> = []
                for id in newest {
                    guard seen.count < count else { break }
                    if seen.insert(Timestamp.format(id.time, span)).inserted { kept.insert(id) }
                }
            }
        }
        return kept
    }
}
