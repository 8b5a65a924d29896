import ImageBackup
import ImageModel
import ImageTransfer
import Testing

/// Which snapshots are kept, and what their IDs are.
struct RetentionTests {
    private func snapshot(_ id: String, of sources: [String] = ["store:a"]) throws -> Snapshot {
        Snapshot(id: try #require(SnapshotID(id)), sources: sources, repositories: [], failures: [])
    }

    private func kept(_ ids: [String], _ change: (inout RetentionPolicy) -> Void) throws -> [String] {
        var policy = RetentionPolicy()
        change(&policy)
        return policy.kept(of: try ids.map { try snapshot($0) }).sorted().map { String($0.description.prefix(13)) }
    }

    @Test func theNewestOfEachSpanStays() throws {
        let ids = [
            "20251231T235900.000Z", "20260101T000000.000Z", "20261116T020000.000Z", "20261122T020000.000Z",
            "20261123T010000.000Z", "20261123T020000.000Z", "20261123T023000.000Z", "20261124T020000.000Z",
        ]
        #expect(try kept(ids) { $0.last = 2 } == ["20261123T0230", "20261124T0200"])
        #expect(try kept(ids) { $0.hourly = 3 } == ["20261123T0100", "20261123T0230", "20261124T0200"])
        #expect(try kept(ids) { $0.daily = 3 } == ["20261122T0200", "20261123T0230", "20261124T0200"])
        // Weeks begin on Mondays: the 16th and the 22nd are in one, the 23rd and the 24th in the next.
        #expect(try kept(ids) { $0.weekly = 3 } == ["20260101T0000", "20261122T0200", "20261124T0200"])
        #expect(try kept(ids) { $0.monthly = 2 } == ["20260101T0000", "20261124T0200"])
        #expect(try kept(ids) { $0.yearly = 9 } == ["20251231T2359", "20261124T0200"])
        #expect(
            try kept(ids) {
                $0.last = 1
                $0.yearly = 2
            } == ["20251231T2359", "20261124T0200"])
        #expect(try kept(ids) { _ in }.isEmpty)
    }

    @Test func eachSetOfSourcesIsByItself() throws {
        var policy = RetentionPolicy()
        policy.last = 1
        let snapshots = [
            try snapshot("20261123T020000.000Z", of: ["store:a", "store:b"]),
            try snapshot("20261124T020000.000Z", of: ["store:b", "store:a"]),
            try snapshot("20261122T020000.000Z", of: ["store:c"]),
        ]
        #expect(
            policy.kept(of: snapshots).sorted().map(\.description)
                == ["20261122T020000.000Z", "20261124T020000.000Z"])
    }

    @Test func sourcesAreComparedInOneForm() throws {
        var policy = RetentionPolicy()
        policy.last = 1
        let snapshots = [
            try snapshot("20261123T020000.000Z", of: ["docker://127.0.0.1:5000/"]),
            try snapshot("20261124T020000.000Z", of: ["docker://127.0.0.1:5000"]),
        ]
        #expect(policy.kept(of: snapshots).map(\.description) == ["20261124T020000.000Z"])
    }

    /// What is damaged at its source may be whole in the last complete snapshot alone.
    @Test func incompleteSnapshotsPushOutNoCompleteOnes() throws {
        func kept(_ ids: [String], complete: Set<String>) throws -> [String] {
            var policy = RetentionPolicy()
            (policy.last, policy.daily) = (1, 2)
            let snapshots = try ids.map { id in
                Snapshot(
                    id: try #require(SnapshotID("\(id).000Z")), sources: ["store:a"], repositories: [],
                    failures: complete.contains(id)
                        ? [] : [CopyReport.Failure(source: "store:a", error: ImageError.damaged("it"))])
            }
            return policy.kept(of: snapshots).sorted().map { String($0.description.prefix(15)) }
        }
        let ids = ["20261122T020000", "20261123T020000", "20261124T020000", "20261124T030000"]
        #expect(try kept(ids, complete: Set(ids[..<3])) == Array(ids[1...]))
        #expect(try kept(ids, complete: [ids[0]]) == [ids[0], ids[3]])
        #expect(try kept(ids, complete: [ids[3]]) == [ids[3]])
        #expect(try kept(ids, complete: []) == [ids[1], ids[3]])
    }

    @Test func anIDIsADateAndNothingElse() throws {
        #expect(SnapshotID("20261124T020000.123Z")?.date == "2026-11-24T02:00:00Z")
        for text in [
            "", "latest", "20261124T020000Z", "20261324T020000.000Z", "../../20261124T02.000Z", "20261124T020000.000z",
            "20261124T020000,000Z", "2026112４T020000.000Z",
        ] {
            #expect(SnapshotID(text) == nil, "\(text)")
        }
    }
}
