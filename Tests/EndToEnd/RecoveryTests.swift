import Foundation
import Testing

/// Lost volumes come back, to the byte.
struct RecoveryTests {
    /// What happens to the set of 6 volumes and 2 for recovery.
    @Test(arguments: [
        "rm set.002.tar", "rm set.001.tar set.005.tar", "truncate -s 1000 set.003.tar",
        "printf x | dd of=set.004.tar bs=1 seek=5000 conv=notrunc status=none; rm set.recovery-1.tar",
        "mv set.001.tar some.tar; rm set.002.tar set.003.tar",
        "mkdir a b; mv set.00[13].tar set.recovery-2.tar a; mv set.00[246].tar b; rm set.005.tar",
    ])
    func volumesAreMadeAnew(_ loss: String) throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack(options: ["--recovery-volumes", "2"])
        #expect(try workshop.volumes().count == 8)
        _ = try workshop.shell("mkdir kept && cp set.*.tar kept")
        #expect(try workshop.shell(loss).status == 0)
        let paths =
            loss.contains("mkdir") ? "a b" : loss.contains("some.tar") ? "set.004.tar some.tar" : "set.recovery-2.tar"
        let recovered = try workshop.shell("$DRAY recover --into . --output json \(paths)")
        #expect(recovered.status == 0, "\(recovered.errors)")
        struct Row: Decodable { let path: String }
        for row in try JSONDecoder().decode([Row].self, from: recovered.output) {
            let same = try workshop.shell("cmp \(row.path) kept/\(row.path)")
            #expect(same.status == 0, "\(same.text)\(same.errors)")
        }
        let others = loss.contains("mkdir") ? "a/set.001.tar b/set.002.tar" : loss.contains("some") ? "some.tar" : ""
        let copied = try workshop.shell("$DRAY copy set.005.tar \(others) store:store")
        #expect(copied.status == 0, "\(copied.errors)")
        try workshop.expectWhole("store")
    }

    @Test func readingAdvisesIt() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack(options: ["--recovery-volumes", "1"])
        let refused = try workshop.shell("rm set.002.tar; $DRAY copy set.001.tar store:store")
        #expect(refused.status == 3 && refused.errors.contains("dray recover"), "\(refused.errors)")
        let recovery = try workshop.shell("$DRAY copy oci-archive:set.recovery-1.tar store:store")
        #expect(recovery.status == 1 && recovery.errors.contains("is a recovery volume"), "\(recovery.errors)")
    }

    @Test func progressIsToldAndRoomIsLookedFor() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack(options: ["--recovery-volumes", "1"])
        let sizes = try workshop.shell("stat -c %s set.00*.tar").lines.compactMap { Int64($0) }
        _ = try workshop.shell("rm set.002.tar; mkdir small")
        // A directory with less room than a volume takes.
        let refused = try workshop.shell(
            "unshare -rm sh -c 'mount -t tmpfs -o size=512k tmpfs small && $DRAY recover --into small set.001.tar; "
                + "status=$?; ls -A small; exit $status'")
        #expect(refused.status == 1 && refused.errors.contains("not enough room: "), "\(refused.errors)")
        #expect(refused.text.isEmpty)
        let made = try workshop.shell("$DRAY recover --progress json set.001.tar")
        struct Line: Decodable {
            var bytesMoved: Int64
            var bytesPlanned: Int64
            var done: Bool
        }
        let last = try #require(
            try made.errors.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }.last
        )
        // What is there is read to see whether it is whole, and once more to make the rest of it.
        #expect(last.done && last.bytesMoved == last.bytesPlanned)
        #expect(last.bytesMoved >= 2 * (sizes.reduce(0, +) - sizes[1]))
        #expect(try workshop.volumes().count == 7)
    }

    @Test(arguments: [
        (
            "rm set.00[12].tar",
            "volumes 1 and 2 are lost or damaged, and only 1 recovery volume is there; 2 are needed", 3
        ),
        (
            "rm set.001.tar; printf x | dd of=set.recovery-1.tar bs=1 seek=5000 conv=notrunc status=none",
            "no whole recovery volume is there; 1 is needed", 3
        ),
        ("rm set.recovery-1.tar set.001.tar", "no recovery volume", 4),
        (":", "nothing is lost", 0),
        ("echo mine > set.001.tar; mkdir x; tar -cf set.001.tar x", "no volume of this set", 1),
    ])
    func whatCannotBeMadeAnewIsSaid(_ loss: String, _ words: String, _ status: Int32) throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack(options: ["--recovery-volumes", "1"])
        #expect(try workshop.shell(loss).status == 0)
        _ = try workshop.shell("sha256sum *.tar > before")
        let result = try workshop.shell("$DRAY recover .")
        #expect(result.status == status && result.errors.contains(words), "\(result.errors)")
        let same = try workshop.shell("sha256sum *.tar | diff before -")
        #expect(same.status == 0, "\(same.text)")
    }
}
