import Foundation
import Testing

/// Where `dray gc` and `docker-registry garbage-collect` 2.8.2 differ, and that they do. Everywhere else they agree.
struct GarbageDifferenceTests {
    /// One of the original's dangers: reference/registry.md, section 3.
    struct Difference: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Options of both.
        var options: [String] = []
        /// Run in the repository `a`, with `$image` tagged 1 there, `$root` and `$index` (an index of `$image`).
        let change: String
        /// What the original does: a part of its answer, where it fails; otherwise it deletes a layer of `$image`.
        var failure: String?
        /// dray's exit code.
        var status: Int32 = 0
    }

    static let differences = [
        Difference(
            testDescription: "-m: untagged children of a tagged index (2.8 -m destroys multi-arch images)",
            options: ["-m"], change: "put $index 1"),
        Difference(
            testDescription: "-m: an untagged referrer of a kept manifest (2.8 and v3 -m delete referrers)",
            options: ["-m"], change: "refer; retag $subject"),
        Difference(
            testDescription: "a manifest whose bytes are gone (its layers are collected)",
            change: "rm $blobs/*/${image#*:}/data", status: 3),
        Difference(
            testDescription: "an empty link (aborts the whole run)",
            change: "> _manifests/revisions/sha256/${image#*:}/link",
            failure: "invalid checksum digest format"),
        Difference(
            testDescription: "a link that ends in a newline (aborts the whole run)",
            change: "echo >> _manifests/revisions/sha256/${image#*:}/link", failure: "invalid checksum digest length"),
        Difference(
            testDescription: "-m: a repository without tags (aborts the whole run)", options: ["-m"],
            change: "mkdir -p ../b/_layers; cp -r _manifests ../b; rm -r ../b/_manifests/tags",
            failure: "unknown repository name=b"),
        Difference(
            testDescription: "a child of an index that is not served any more (its layers are collected)",
            change: "put $index 1; rm _manifests/revisions/sha256/${image#*:}/link"),
        Difference(
            testDescription: "a tag whose revision is not linked (all of it is collected)",
            change: "rm _manifests/revisions/sha256/${image#*:}/link"),
        Difference(
            testDescription: "blobs that go by SHA-512 in a manifest (collected: they are filed under SHA-256)",
            change: "sha512"),
        Difference(
            testDescription: "what came within the grace time (collected: I#2881)", options: ["--grace", "1h"],
            change: "rm -r _manifests/tags/1 _manifests/revisions/sha256/${image#*:}/link"),
    ]

    /// Functions for `change`: as a registry would write it.
    private static let prelude = """
        set -e
        cd $root/docker/registry/v2/repositories/a
        blobs=$root/docker/registry/v2/blobs/sha256
        file() { d=$(printf %s "$1" | sha256sum | cut -c1-64); mkdir -p $blobs/${d:0:2}/$d; printf %s "$1" > $blobs/${d:0:2}/$d/data; }
        serve() { file "$1"; mkdir -p _manifests/revisions/sha256/$d; printf sha256:$d > _manifests/revisions/sha256/$d/link; }
        retag() { rm -rf _manifests/tags/1; mkdir -p _manifests/tags/1/current; printf $1 > _manifests/tags/1/current/link; }
        put() { serve "$1"; retag sha256:$d; }
        size=$(stat -c %s $blobs/*/${image#*:}/data)
        me='"digest":"'$image'","size":'$size
        type=application/vnd.oci.image
        index='{"schemaVersion":2,"mediaType":"'$type'.index.v1+json","manifests":[{"mediaType":"'$type'.manifest.v1+json",'$me'}]}'
        # The image becomes a referrer of another one that is tagged.
        refer() {
            serve '{"schemaVersion":2,"mediaType":"'$type'.index.v1+json","manifests":[]}'; subject=sha256:$d
            text=$(sed 's|^{|{"subject":{"mediaType":"'$type'.index.v1+json","digest":"'$subject'","size":1},|' $blobs/*/${image#*:}/data)
            rm _manifests/revisions/sha256/${image#*:}/link; serve "$text"
        }
        # One layer goes by its SHA-512, and its link says where it is.
        sha512() {
            long=$(sha512sum $blobs/*/${layer#*:}/data | cut -c1-128)
            mkdir -p _layers/sha512/$long; printf $layer > _layers/sha512/$long/link
            text=$(sed "s/$layer/sha512:$long/" $blobs/*/${image#*:}/data)
            rm _manifests/revisions/sha256/${image#*:}/link; put "$text"
        }

        """

    @Test(arguments: differences)
    func differs(_ difference: Difference) throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let root = scratch["root"]
        try Command.succeed("copy", "--format", "oci", archive, "store:\(root):a:1")
        let image = try Command.succeed("digest", "store:\(root):a:1").text.trimmed
        let manifest = try Command.succeed("manifest", "store:\(root):a:1").text
        let layer = "sha256:" + (try #require(manifest.ranges(of: "sha256:").last)).upperBound.digest(in: manifest)
        try scratch.write(
            "version: 0.1\nstorage: {filesystem: {rootdirectory: \(root)}}\nhttp: {addr: 127.0.0.1:0}\n",
            to: "config.yml")
        try scratch.write(
            "image=\(image); layer=\(layer); root=\(root)\n" + Self.prelude + difference.change + "\n", to: "change")
        let changed = try Command.shell("bash \(scratch["change"])")
        try #require(changed.status == 0, "\(changed.errors)")

        let originals = difference.options.filter { $0.hasPrefix("-m") }
        let theirs = try Command.run(
            "docker-registry", ["garbage-collect", "--dry-run"] + originals + [scratch["config.yml"]])
        if let failure = difference.failure {
            #expect(theirs.status == 1 && (theirs.errors + theirs.text).contains(failure), "\(theirs.errors)")
        } else {
            #expect(theirs.text.contains("blob eligible for deletion: \(layer)"), "\(theirs.text)\(theirs.errors)")
        }
        let grace = difference.options.contains("--grace") ? [] : ["--grace", "0"]
        let ours = try Command.dray(["gc"] + grace + difference.options + [scratch["config.yml"]])
        #expect(ours.status == difference.status, "\(ours.errors)")
        #expect(!ours.text.contains(layer), "\(ours.text)")
        #expect(
            try Command.shell("ls \(root)/docker/registry/v2/blobs/sha256/*/\(layer.dropFirst(7))/data").status == 0)
    }
}

extension String.Index {
    /// The 64 digits that begin here.
    fileprivate func digest(in text: String) -> String { String(text[self...].prefix(64)) }
}
