import Foundation
import Testing

/// What was packed is signed, and minisign and dray agree on it.
struct SigningTests {
    /// A key pair, `me.key` and `me.pub`, another one, and `set.tar`, signed by the first.
    private static func workshop(_ options: String = "") throws -> VolumeWorkshop {
        let workshop = try VolumeWorkshop()
        let made = try workshop.shell(
            """
            for who in me other; do minisign -G -W -p $who.pub -s $who.key >/dev/null || exit 1; done
            $DRAY copy \(options) --sign me.key oci:layout oci-archive:set.tar
            """)
        try #require(made.status == 0, "\(made.errors)")
        #expect(!made.errors.contains("can be read by others"))
        return workshop
    }

    @Test(arguments: ["", "--volume-size 1MiB"])
    func minisignAndDrayTakeTheSignature(_ options: String) throws {
        let workshop = try Self.workshop(options)
        let file = options.isEmpty ? "set.tar" : "set.002.tar"
        let checked = try workshop.shell(
            """
            tar -xf \(file) dray && minisign -Vm dray/packing-list.json -p me.pub && sha256sum dray/packing-list.json &&
            $DRAY ls --verify-key me.pub \(file) && $DRAY inspect --verify-key me.pub oci-archive:\(file):team/tool:2 &&
            $DRAY copy --verify-key me.pub \(file) store:store
            """)
        #expect(checked.status == 0, "\(checked.errors)")
        let digest = checked.lines.first { $0.hasSuffix("dray/packing-list.json") }?.prefix(64) ?? "none"
        #expect(checked.text.contains("Trusted comment: packing list sha256:\(digest)"), "\(checked.text)")
        try workshop.expectWhole("store")
    }

    /// A tar that holds what `x` holds, in place of the archive.
    private static let packAgain = "tar -C x -cf set.tar oci-layout index.json blobs dray"

    @Test(arguments: [
        ("true", "--verify-key other.pub", "was signed with the key "),
        // Wrong in the list, the signature, its comment, the names; with no signature; in another form.
        (
            "sed -i 's/\"recoveryVolumes\":0/\"recoveryVolumes\":1/' x/dray/packing-list.json", "--verify-key me.pub",
            "is not the one that"
        ),
        (
            "sed -i 's/packing list sha/packing List sha/' x/dray/*.minisig", "--verify-key me.pub",
            "is not what was signed"
        ),
        ("sed -i 's/^untrusted/trusted/' x/dray/*.minisig", "--verify-key me.pub", "none of minisign's"),
        ("sed -i 's/team.tool:2/team\\/evil:2/g' x/index.json", "--verify-key me.pub", "index.json is not the one"),
        ("rm x/dray/*.minisig", "--verify-key me.pub", "is not signed"),
        ("rm -r x/dray; mkdir x/dray", "--verify-key me.pub", "is not signed"),
        ("minisign -S -s me.key -m x/dray/packing-list.json >/dev/null", "--verify-key me.pub", "prehashed"),
    ])
    func aWrongSignatureIsRefusedBeforeAnythingIsWritten(_ change: String, _ option: String, _ words: String) throws {
        let workshop = try Self.workshop()
        let changed = try workshop.shell(
            "$DRAY copy oci:layout:team/app:1 store:store && cp -a store before; mkdir x; tar -xf set.tar -C x; chmod -R u+w x; \(change) && \(Self.packAgain)"
        )
        try #require(changed.status == 0, "\(changed.errors)")
        for command in ["ls", "inspect", "copy"] {
            let reference = command == "inspect" ? "oci-archive:set.tar:team/app:1" : "oci-archive:set.tar"
            let refused = try workshop.shell(
                "$DRAY \(command) \(option) \(reference) \(command == "copy" ? "store:store" : "")")
            #expect(refused.status == 3 && refused.errors.contains(words), "\(refused.errors)")
            #expect(refused.text.isEmpty)
        }
        let same = try workshop.shell("diff -r before store")
        #expect(same.status == 0, "\(same.text)")
    }

    /// minisign's own signature serves as well.
    @Test func aSignatureByMinisignIsTaken() throws {
        let workshop = try Self.workshop()
        let signed = try workshop.shell(
            """
            mkdir x; tar -xf set.tar -C x; chmod -R u+w x
            minisign -S -l -s other.key -m x/dray/packing-list.json >/dev/null && \(Self.packAgain)
            $DRAY copy --verify-key other.pub oci-archive:set.tar store:store
            """)
        #expect(signed.status == 0, "\(signed.errors)")
    }

    @Test(arguments: [("docker-archive:plain.tar", 3), ("oci:layout", 3), ("oci-archive:-", 1)])
    func whatCarriesNoSignatureIsRefused(_ source: String, _ status: Int32) throws {
        let workshop = try Self.workshop()
        let refused = try workshop.shell(
            "$DRAY copy oci:layout docker-archive:plain.tar >/dev/null; $DRAY copy --verify-key me.pub \(source) store:store < set.tar"
        )
        #expect(refused.status == status, "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: workshop.scratch["store"]))
    }

    @Test func keysAreKeptSecret() throws {
        let workshop = try Self.workshop()
        let secret = try workshop.shell("tail -1 me.key").text.trimmed
        // With a password, as the field for its derivation says; cut off; with halves that do not fit; no key at all.
        let keys = try workshop.shell(
            """
            python3 - <<'END'
            import base64
            line = open("me.key").read().split("\\n")[1]
            key = bytearray(base64.b64decode(line))
            other = base64.b64decode(open("other.key").read().split("\\n")[1])
            def write(name, key): open(name, "w").write("untrusted comment: x\\n" + base64.b64encode(key).decode() + "\\n")
            write("password.key", key[:2] + b"Sc" + key[4:])
            write("short.key", key[:100])
            write("mixed.key", key[:94] + other[94:])
            END
            chmod 600 *.key; cp me.key open.key; chmod 644 open.key
            """)
        try #require(keys.status == 0, "\(keys.errors)")
        for (name, status, words) in [
            ("password.key", 1, "protected by a password"), ("short.key", 1, "no secret key of minisign"),
            ("mixed.key", 1, "two halves"), ("me.pub", 1, "no secret key of minisign"),
            ("none.key", 4, "there is no key"),
            ("open.key", 0, "can be read by others"),
        ] as [(String, Int32, String)] {
            let result = try workshop.shell("$DRAY copy -v --sign \(name) oci:layout oci-archive:x.tar")
            #expect(result.status == status && result.errors.contains(words), "\(name): \(result.errors)")
            #expect(!result.errors.contains(secret.prefix(40)) && !result.text.contains(secret.prefix(40)))
        }
        let elsewhere = try workshop.shell("$DRAY copy --sign me.key oci:layout store:store")
        #expect(elsewhere.status == 64, "\(elsewhere.errors)")
    }
}
