import Foundation
import ImageModel
import Testing

/// An archive in volumes: each a tar by itself, all of them a whole.
struct VolumeTests {
    @Test(arguments: [
        "set.002.tar", "oci-archive:set.001.tar", "oci-archive:set.tar", "oci-archive:.",
        // From several drives.
        "drive/set.003.tar oci-archive:set.001.tar", "oci-archive:set.001.tar oci-archive:drive",
    ])
    func aSetIsReadFrom(_ references: String) throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        if references.contains("drive") {
            #expect(try workshop.shell("mkdir drive; mv set.00[34].tar drive").status == 0)
        }
        let copied = try workshop.shell("$DRAY copy \(references) store:store")
        #expect(copied.status == 0, "\(copied.errors)")
        try workshop.expectWhole("store")
    }

    @Test func eachVolumeIsATarOfItsOwn() throws {
        let workshop = try VolumeWorkshop()
        let said = try workshop.pack()
        let volumes = try workshop.volumes()
        #expect(volumes.count == 4 && said.errors.contains("the set is 4 volumes: set.001.tar to set.004.tar"))
        #expect(said.errors.contains("larger than a volume, and cut: sha256:"))
        var sets: Set<Substring> = []
        for (position, volume) in volumes.enumerated() {
            let size = try #require(
                try FileManager.default.attributesOfItem(atPath: workshop.scratch[volume])[.size] as? Int)
            #expect(size < 1 << 20)
            let place = try workshop.shell(
                "tar -xOf \(volume) dray/volume.json | jq -r '\"\\(.volume) \\(.volumes) \\(.set)\"'"
            ).text
            #expect(place.hasPrefix("\(position + 1) 4 sha256:"))
            sets.insert(place.trimmed.suffix(64))
            // What the list says of the volume is in it.
            let members = try workshop.shell(
                """
                tar -xOf \(volume) dray/packing-list.json | jq -r '.volumes[\(position)]
                    | (.blobs[] | "blobs/sha256/\\(.digest[7:])"), (.parts[] | "dray/parts/sha256/\\(.blob[7:])/\\(.offset)")' \
                | while read -r member; do tar -tf \(volume) $member; done
                """)
            #expect(members.status == 0 && !members.lines.isEmpty, "\(members.errors)")
            let listed = try workshop.shell("$DRAY ls -q \(volume)")
            #expect(listed.lines.count == 2, "\(listed.errors)")
        }
        #expect(sets.count == 1)
    }

    @Test func theSameEachTime() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack(options: ["--recovery-volumes", "1"])
        try workshop.pack("again.tar", options: ["--recovery-volumes", "1"])
        let same = try workshop.shell(
            "for v in 001 002 003 004 005 recovery-1; do cmp set.$v.tar again.$v.tar || exit 1; done")
        #expect(same.status == 0, "\(same.text)\(same.errors)")
    }

    @Test func oneVolumeIsAnArchiveForOthers() throws {
        let workshop = try VolumeWorkshop()
        let packed = try workshop.shell(
            "$DRAY copy --volume-size 1GiB oci:layout oci-archive:set.tar && skopeo copy -q oci-archive:set.001.tar:team/app:1 dir:out"
        )
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(try workshop.volumes() == ["set.001.tar"])
        let blobs = try workshop.shell("ls out | grep -c '^[0-9a-f]*$'")
        #expect(blobs.text.trimmed == "5")
    }

    @Test func aMissingVolumeIsNamedWithItsImages() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        // It has a part of the first image alone.
        #expect(try workshop.shell("mkdir away && mv set.002.tar away").status == 0)
        let refused = try workshop.shell("$DRAY copy set.001.tar store:store")
        #expect(refused.status == 3 && !FileManager.default.fileExists(atPath: workshop.scratch["store"]))
        #expect(
            refused.errors.contains("of team/app:1 ") && !refused.errors.contains("team/tool:2 ("), "\(refused.errors)")
        #expect(refused.errors.contains("volume 2 of 4 of the set set.001.tar is missing"), "\(refused.errors)")
        let partial = try workshop.shell("$DRAY copy --keep-going set.001.tar store:store")
        #expect(partial.status == 2 && partial.text.contains("team/tool:2"), "\(partial.errors)")
        let rest = try workshop.shell("$DRAY copy away/set.002.tar set.001.tar store:store")
        #expect(rest.status == 0, "\(rest.errors)")
        try workshop.expectWhole("store")
    }

    /// One drive after the other, in any order: what each brings is kept until the rest has come.
    @Test func volumesAreLoadedOneByOne() throws {
        let workshop = try VolumeWorkshop()
        // Nothing larger than a volume here: a part of a blob is nothing that a store could keep.
        let layout = try CraftedLayout(workshop.scratch["layout"])
        var random = SeededBytes(9)
        for number in 1...3 {
            let layers = try (0..<3).map { _ in
                let bytes = random.bytes(220_000)
                return (layer: try layout.put(bytes, .ociLayer), diffID: Digest(of: bytes))
            }
            try layout.add(layout.image(layers), full: "team/part:\(number)")
        }
        try workshop.pack()
        let volumes = try workshop.volumes()
        #expect(volumes.count >= 3)
        var statuses: [Int32] = []
        for volume in volumes.reversed() {
            let loaded = try workshop.shell(
                "rm -rf drive; mkdir drive; mv \(volume) drive; $DRAY copy --keep-going drive/\(volume) store:store")
            statuses.append(loaded.status)
        }
        #expect(statuses.last == 0 || statuses.last == 2)
        #expect(statuses.dropLast().allSatisfy { $0 == 2 || $0 == 3 }, "\(statuses)")
        let images = try workshop.shell("$DRAY ls -q store:store").lines.count
        #expect(images == 3)
        try workshop.expectWhole("store")
    }

    @Test(arguments: ["beside", "named"])
    func aTruncatedVolumeIsRefused(_ way: String) throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        _ = try workshop.shell(
            "$DRAY copy oci:layout:team/tool:2 store:store && cp -a store before; truncate -s 300000 set.002.tar")
        let refused = try workshop.shell(
            "$DRAY copy \(way == "named" ? "oci-archive:set.002.tar" : "") set.001.tar store:store")
        #expect(refused.status == 3 && refused.errors.contains("set.002.tar is truncated"), "\(refused.errors)")
        if way == "beside" { #expect(refused.errors.contains("team/app:1")) }
        let same = try workshop.shell("diff -r before store")
        #expect(same.status == 0, "\(same.text)")
    }

    /// What shows only when it is read is told with the volume that it is in.
    @Test(arguments: ["set.001.tar", "set.003.tar"])
    func aDamagedVolumeIsNamed(_ volume: String) throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        let damaged = try workshop.shell(
            """
            chmod u+w \(volume); printf 'XXXX' | dd of=\(volume) bs=1 seek=100000 conv=notrunc status=none
            $DRAY copy --keep-going oci-archive:set.tar store:store
            """)
        #expect([2, 3].contains(damaged.status), "\(damaged.errors)")
        #expect(damaged.errors.contains("error: team/app:1: \(volume): "), "\(damaged.errors)")
    }

    @Test func aVolumeOfAnotherSetIsRefused() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        let mixed = try workshop.shell(
            """
            $DRAY copy --volume-size 1MiB oci:layout:team/app:1 oci-archive:other.tar && mv other.002.tar set.002.tar
            $DRAY copy oci:layout:team/tool:2 store:store && cp -a store before
            $DRAY copy set.001.tar store:store
            """)
        #expect(mixed.status == 3 && mixed.errors.contains("set.002.tar is of another set"), "\(mixed.errors)")
        #expect(try workshop.shell("diff -r before store").status == 0)
    }

    /// One that claims to be another of its set does not hold what that one holds.
    @Test func aVolumeUnderAnotherNumberIsRefused() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        let forged = try workshop.shell(
            """
            mkdir x && tar -xf set.002.tar -C x && sed -i 's/"volume":2/"volume":3/' x/dray/volume.json && rm set.003.tar
            tar -cf set.003.tar -C x . && $DRAY copy set.001.tar store:store
            """)
        #expect(forged.status == 3 && forged.errors.contains("set.003.tar lacks "), "\(forged.errors)")
        #expect(!FileManager.default.fileExists(atPath: workshop.scratch["store"]))
    }

    /// Whoever writes the list can make it fit the volume; it still has to make sense.
    @Test(arguments: [
        ("l['absent'] = [{'digest': 'sha256:' + 'a' * 64, 'size': 1, 'repository': '../x'}]", "which no registry has"),
        ("l['absent'] = [{'digest': 'sha256:../../x', 'size': 1}]", "is not a sha256"),
        ("l['volumes'] = []", "tells of 0 volumes"), ("l['volumes'] += [{'blobs': [], 'parts': []}] * 300", "volumes"),
        ("l['recoveryVolumes'] = -1", "volumes"), ("p['volume'] = 0", "volume 0"), ("p['volume'] = -3", "volume -3"),
        ("l['volumes'][1]['parts'][0]['offset'] += 1", "do not join"),
        ("l['volumes'][1]['parts'][0]['size'] = -5", "do not join"),
        ("l['volumes'][0]['blobs'][0]['size'] = 1 << 60", "no blob has the size"),
        ("l['volumes'][0]['blobs'][0]['size'] += 1", "set.001.tar lacks blobs/"),
        ("l['mediaType'] = 'x'", "unknown type"), ("l['index']['digest'] = 'sha256:' + 'a' * 64", "index.json is not"),
        ("l = []", "cannot be understood"),
    ])
    func aListThatMakesNoSenseIsRefused(_ change: String, _ words: String) throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack()
        let forged = try workshop.shell(
            """
            mkdir x keep; mv set.00[234].tar keep; tar -xf set.001.tar -C x; chmod -R u+w x; rm set.001.tar
            python3 - <<'END' && tar -C x -cf set.001.tar . && $DRAY copy set.001.tar store:store
            import hashlib, json
            l, p = json.load(open("x/dray/packing-list.json")), json.load(open("x/dray/volume.json"))
            \(change)
            text = json.dumps(l).encode()
            open("x/dray/packing-list.json", "wb").write(text)
            p["set"] = "sha256:" + hashlib.sha256(text).hexdigest()
            open("x/dray/volume.json", "w").write(json.dumps(p))
            END
            """)
        #expect(forged.status == 3 && forged.errors.contains(words), "\(forged.errors)")
        #expect(!FileManager.default.fileExists(atPath: workshop.scratch["store"]))
    }

    /// What is gzipped on its way has no size before it was.
    @Test func aDockerArchiveIsCutAsItIsGzipped() throws {
        let workshop = try VolumeWorkshop()
        let archive = try Samples.archive(workshop.scratch, mebibytes: 12)
        let packed = try workshop.shell(
            "$DRAY copy --volume-size 1MiB \(archive) oci-archive:set.tar && $DRAY copy set.001.tar store:store && $DRAY copy \(archive) store:direct && diff -r direct/docker store/docker"
        )
        #expect(packed.status == 0, "\(packed.text)\(packed.errors)")
        #expect(try workshop.volumes().count > 2)
        for volume in try workshop.volumes() {
            let size = try #require(
                try FileManager.default.attributesOfItem(atPath: workshop.scratch[volume])[.size] as? Int)
            #expect(size < 1 << 20)
        }
        let piped = try workshop.shell("$DRAY copy --volume-size 1MiB docker-archive:- oci-archive:x.tar < \(archive)")
        #expect(piped.status == 1 && piped.errors.contains("put the archive into a file"), "\(piped.errors)")
        #expect(try workshop.volumes(of: "x").isEmpty)
    }

    /// One set alone in a directory is that set, also where volumes are lost; beside others, it is one archive of them.
    @Test func setsAndArchivesInOneDirectoryAreEachTaken() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack("set.tar", options: ["--recovery-volumes", "1"])
        try workshop.pack("more.tar")
        // Its name is no volume's but for the look of it.
        _ = try Samples.archive(workshop.scratch, name: "alpine.319.tar", image: "shop/alpine:1", mebibytes: 1)
        let each = try workshop.shell(
            "mkdir in && mv *.tar in && $DRAY copy in store:store && $DRAY digest store:store:shop/alpine:1")
        #expect(each.status == 0, "\(each.text)\(each.errors)")
        let one = try workshop.shell("rm in/more.* in/alpine.* && $DRAY copy in store:one")
        #expect(one.status == 0, "\(one.errors)")
        try workshop.expectWhole("one")
        let torn = try workshop.shell("rm in/set.002.tar && $DRAY ls in")
        #expect(torn.status == 0 && torn.errors.contains("volume 2 is missing"), "\(torn.errors)")
    }

    @Test func aNewSetReplacesAnOlderOne() throws {
        let workshop = try VolumeWorkshop()
        try workshop.pack(options: ["--recovery-volumes", "2"])
        try Data("mine".utf8).write(to: URL(filePath: workshop.scratch["set.009.tar"]))
        // Sets of other names.
        for other in ["set.v2.tar", "set.2026-11.tar"] {
            try workshop.pack(other, options: ["--recovery-volumes", "1"])
        }
        let others = try workshop.volumes().filter { $0.hasPrefix("set.v2.") || $0.hasPrefix("set.2026-11.") }
        let packed = try workshop.shell(
            "$DRAY copy --on-existing overwrite --volume-size 1MiB oci:layout:team/tool:2 oci-archive:set.tar")
        #expect(packed.status == 0 && packed.errors.contains("of an older set"), "\(packed.errors)")
        #expect(try workshop.volumes() == (["set.001.tar", "set.002.tar", "set.009.tar"] + others).sorted())
        let skipped = try workshop.shell(
            "$DRAY copy --on-existing error --volume-size 1MiB oci:layout oci-archive:set.tar")
        #expect(skipped.status == 1 && skipped.errors.contains("--on-existing overwrite"), "\(skipped.errors)")
    }

    @Test(arguments: [
        ("--volume-size 10k", "oci-archive:x.tar", 1), ("--volume-size 1MiB", "docker-archive:x.tar", 64),
        ("--volume-size 1MiB", "store:x", 64), ("--volume-size none", "oci-archive:x.tar", 64),
        ("--recovery-volumes 1", "oci-archive:x.tar", 64), ("--volume-size 1MiB", "oci-archive:-", 1),
    ])
    func whatCannotBeIsRefused(_ options: String, _ target: String, _ status: Int32) throws {
        let workshop = try VolumeWorkshop()
        let refused = try workshop.shell("$DRAY copy \(options) oci:layout \(target) | cat")
        #expect(refused.status == status, "\(refused.errors)")
        #expect(try workshop.volumes(of: "x").isEmpty)
    }
}
