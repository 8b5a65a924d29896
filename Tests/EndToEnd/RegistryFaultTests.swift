import Foundation
import Testing

/// Registries and networks that do what they should not.
struct RegistryFaultTests {
    /// What dray is to cope with: the image goes there and comes back with its digest.
    static let survivable: [[String]] = [
        [],
        ["location-relative"], ["location-very-relative"], ["location-changes"], ["location-no-query"],
        ["no-digest"], ["no-length"], ["no-head"], ["no-digest", "no-head"], ["manifest-type-lost"],
        ["no-patch"], ["no-stream"], ["no-put-body"], ["limit"], ["limit", "location-changes"],
        ["chunk-minimum", "no-stream", "no-put-body"], ["patch-201"],
        ["patch-takes-half", "no-stream", "no-put-body"],
        ["silent-put"], ["reset-first"],
        ["passing-429-seconds"], ["passing-429-date"], ["passing-429"], ["passing-500"], ["passing-502"],
        ["passing-503-seconds"], ["passing-408"],
        ["redirect"], ["no-range"], ["no-referrers"],
        ["tags-null"], ["tags-missing"], ["tags-invalid"],
        ["token"], ["token", "odd-challenge"], ["token", "access-token"], ["token", "short-token"],
        ["token", "token-expires"], ["token", "no-post-token"], ["basic"],
        ["moved"], ["moved-308"], ["moved-bytes"], ["moved-bytes", "no-put-body"],
        ["moved-bytes", "no-stream", "no-put-body"], ["moved", "basic"],
        ["signed-manifests"], ["signed-blobs"], ["signed-manifests", "signed-oddly"], ["signature-expires"],
        ["encoded-gzip"], ["encoded-x-gzip"], ["encoded-deflate"], ["encoded-raw-deflate"],
        ["encoded-gzip", "encoded-blobs"], ["encoded-not"], ["encoded-aws", "encoded-blobs"],
        ["basic", "token-nowhere"], ["late-blobs"], ["late-uploads"], ["late-uploads", "no-put-body"],
    ]

    /// Registries close accounts after a few wrong ones.
    @Test func aWrongPasswordIsNotSentAgain() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        try scratch.write("user:wrong\n", to: "creds")
        let refused = try Command.dray("digest", "--creds", scratch["creds"], "docker://\(registry.address)/team/app:1")
        #expect(refused.status == 5, "\(refused.errors)")
        // Once as HEAD, and once to hear why.
        let sent = try registry.requests.filter { $0.authorization != nil }.map(\.method)
        #expect(sent.sorted() == ["GET", "HEAD"], "\(sent)")
    }

    @Test(arguments: survivable)
    func imagesComeThrough(_ faults: [String]) throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(faults, scratch: scratch)
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        let archive = try Samples.archive(scratch, mebibytes: 6)
        try Command.succeed("copy", archive, "oci:\(scratch["layout"]):1")
        let needsLogin = faults.contains("basic") || faults.contains("token")
        let login = needsLogin ? ["--creds", scratch["creds"]] : []

        let target = "docker://\(registry.address)/team/app"
        let pushed = try Command.dray(["copy", "--output", "json"] + login + [archive, "\(target):raw"])
        try #require(pushed.status == 0, "\(pushed.errors)")
        let known = try Command.dray(["copy", "--strict"] + login + ["oci:\(scratch["layout"]):1", "\(target):1"])
        try #require(known.status == 0, "\(known.errors)")
        for (tag, place) in [("raw", "oci:\(scratch["one"]):x"), ("1", "oci:\(scratch["two"]):x")] {
            let pulled = try Command.dray(["copy", "--strict"] + login + ["\(target):\(tag)", place])
            try #require(pulled.status == 0, "\(pulled.errors)")
        }
        let digest = try Command.succeed("digest", "oci:\(scratch["layout"]):1").text
        #expect(try Command.succeed("digest", "oci:\(scratch["two"]):x").text == digest)
        #expect(try pushed.rows().first?.digest == Command.succeed("digest", "oci:\(scratch["one"]):x").text.trimmed)

        // A second time, nothing is sent.
        let count = try registry.requests.count
        let again = try Command.dray(["copy"] + login + ["oci:\(scratch["layout"]):1", "\(target):1"])
        #expect(again.status == 0, "\(again.errors)")
        if !faults.contains("no-head") {
            let sent = try registry.requests.dropFirst(count).filter {
                $0.method != "HEAD" && !$0.path.hasPrefix("/token")
            }
            #expect(sent.allSatisfy { $0.method == "GET" }, "\(sent)")
        }
        // Nobody but the registry was told who asks.
        let own = Int(registry.address.split(separator: ":")[1])
        #expect(try registry.requests.allSatisfy { $0.port == own || $0.authorization == nil })
    }

    /// What dray is to refuse: faults, what is tried, exit code, and words of the message.
    static let refusals: [([String], String, Int32, [String])] = [
        (["no-repository"], "push", 4, ["NAME_UNKNOWN", "does not exist", "404", "created first", "team/app"]),
        (["denied"], "push", 5, ["DENIED", "requested access", "403", "account"]),
        (["refuse-manifests"], "push", 1, ["this media type is not liked here", "400", "application/vnd"]),
        (["lying-blob"], "pull", 3, ["sha256:"]),
        (["short-blob"], "pull", 3, ["sha256:"]),
        (["long-blob"], "pull", 3, ["sha256:"]),
        (["lying-manifest"], "pull", 3, ["sha256:"]),
        (["endless-manifest"], "pull", 3, ["limit"]),
        (["not-json-manifest"], "pull", 3, ["manifest"]),
        (["redirect-loop"], "pull", 1, ["302"]),
        (["hang"], "pull", 1, ["does not answer"]),
        (["basic"], "pull", 5, ["401", "dray login"]),
        (["token", "token-denied"], "pull", 5, ["401", "token"]),
        (["token", "token-garbage"], "pull", 1, ["no token"]),
        (["no-catalog"], "ls", 5, ["401", "name one"]),
        (["tags-garbage"], "ls-repository", 3, ["tags/list"]),
        (["no-delete"], "delete", 1, ["405", "storage.delete.enabled: true"]),
        (["echo-authorization"], "pull", 1, ["400"]),
        (["storage-denies"], "pull", 1, ["403", "localhost", "clock"]),
        (["encoded-br"], "pull", 1, ["br", "Content-Encoding"]),
    ]

    @Test(arguments: refusals.indices)
    func isRefusedInWords(_ index: Int) throws {
        let (faults, action, status, words) = Self.refusals[index]
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "oci:\(scratch["layout"]):1")
        let registry = try ScriptedRegistry(faults, scratch: scratch)
        let target = "docker://\(registry.address)/team/app:1"
        if action == "pull" || action == "delete", !faults.contains("hang"), !faults.contains("basic"),
            !faults.contains("token")
        {
            let push = try Command.dray("copy", "oci:\(scratch["layout"]):1", target)
            // Where GET lies already while pushing, there is nothing to pull.
            if push.status != 0, !faults.contains("echo-authorization") { Issue.record("\(push.errors)") }
        }
        let patience = ["--retry-times", "1", "--timeout", "1"]
        let result: Command =
            switch action {
            case "push": try Command.dray(["copy"] + patience + ["oci:\(scratch["layout"]):1", target])
            case "ls": try Command.dray(["ls"] + patience + ["docker://\(registry.address)"])
            case "ls-repository": try Command.dray(["ls"] + patience + ["docker://\(registry.address)/team/app"])
            case "delete": try Command.dray(["delete"] + patience + [target])
            default: try Command.dray(["copy"] + patience + [target, "oci:\(scratch["pulled"])"])
            }
        #expect(result.status == status, "\(faults): \(result.errors)")
        for word in words + [registry.address] {
            #expect(result.errors.contains(word), "\(faults): no '\(word)' in: \(result.errors)")
        }
        #expect(scratch.files(below: "pulled").filter { $0.hasPrefix("blobs") }.isEmpty)
    }

    /// While an index is put, nobody puts or names what it lists, and each manifest is put once under each of its names.
    @Test func partsOfAnIndexAreLeftAloneWhileItIsPut() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(["slow-links", "whole-indexes"], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        let names = ["a", "b", "c", "d"]
        let parts = try names.map { try layout.image([layout.layer($0)], architecture: $0) }
        for (name, part) in zip(names, parts) { for number in 1...3 { try layout.add(part, "app:\(name)\(number)") } }
        for number in 1...4 {
            var parts = zip(parts, names).map { $0.on($1) }
            parts.swapAt(0, number - 1)
            try layout.add(layout.index(parts), "app:all\(number)")
        }
        let pushed = try Command.dray("copy", "oci:\(layout.path)", "docker://\(registry.address)/")
        #expect(pushed.status == 0, "\(pushed.errors)")
        let puts = try registry.requests.filter { $0.method == "PUT" && $0.path.contains("/manifests/") }.map(\.path)
        #expect(Set(puts).count == puts.count)
        #expect(puts.filter { !$0.contains("sha256:") }.count == 3 * parts.count + 4)
    }

    /// A blob is mounted once into each repository, however many of its images have it.
    @Test func aBlobIsMountedOnceIntoARepository() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(["slow-links"], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        let base = try layout.layer("base")
        for number in 1...12 {
            try layout.add(layout.image([base, layout.layer("\(number)")]), "team/app\(number % 2):\(number)")
        }
        let pushed = try Command.dray("copy", "oci:\(layout.path)", "docker://\(registry.address)/")
        #expect(pushed.status == 0, "\(pushed.errors)")
        let mounts = try registry.requests.filter { $0.method == "POST" && $0.path.contains("mount=") }.map(\.path)
        #expect(Set(mounts).count == mounts.count && !mounts.isEmpty)
    }

    @Test(arguments: ["mount-good", "mount-202", "mount-401", "mount-403", "mount-404", "mount-405", "mount-lie"])
    func mountsOrUploads(_ fault: String) throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(fault == "mount-good" ? [] : [fault], scratch: scratch)
        let archive = try Samples.archive(scratch)
        let host = "docker://\(registry.address)"
        let digest = try Command.succeed("copy", "--output", "json", archive, "\(host)/a:1").rows().first?.digest
        let count = try registry.requests.count
        try Command.succeed("copy", "--strict", "\(host)/a:1", "\(host)/b:1")
        #expect(try Command.succeed("digest", "\(host)/b:1").text.trimmed == digest)
        let requests = try registry.requests.dropFirst(count)
        #expect(requests.contains { $0.method == "POST" && $0.path.contains("mount=") && $0.path.contains("from=a") })
        let hasUploaded = requests.contains { $0.method == "PUT" && $0.path.contains("/uploads/") }
        #expect(hasUploaded == (fault != "mount-good"))
    }

    @Test(arguments: [
        ["cut-uploads"], ["cut-downloads"], ["cut-downloads", "no-range"], ["cut-uploads", "forgets-uploads"],
    ])
    func brokenConnectionsAreTakenUp(_ faults: [String]) throws {
        let scratch = try Scratch()
        // Raw layers, and no compression: many bytes.
        let archive = try Samples.archive(scratch, mebibytes: Samples.isLong ? 100 : 24)
        try Command.succeed("copy", "--compression", "none", archive, "oci:\(scratch["layout"]):1")
        // A registry that forgets what it had makes everything travel again.
        let cuts = faults.count > 1 ? 5 : Samples.isLong ? 100 : 10
        let registry = try ScriptedRegistry(faults, scratch: scratch, cuts: cuts)
        let target = "docker://\(registry.address)/app:1"
        let push = try Command.dray(
            ["copy", "--retry-times", "60", "--timeout", "60", "oci:\(scratch["layout"]):1", target])
        try #require(push.status == 0, "\(push.errors)")
        let pull = try Command.dray(["copy", "--strict", "--retry-times", "60", target, "oci:\(scratch["pulled"]):1"])
        try #require(pull.status == 0, "\(pull.errors)")
        #expect(
            try Command.succeed("digest", "oci:\(scratch["pulled"]):1").text
                == Command.succeed("digest", "oci:\(scratch["layout"]):1").text)
        guard faults.count == 1 else { return }
        // At most a tenth of the bytes travelled twice.
        let size = try Command.shell("cat \(scratch["layout"])/blobs/sha256/* | wc -c").text.trimmed
        let method = faults == ["cut-uploads"] ? ["PATCH", "PUT"] : ["GET"]
        let requests = try registry.requests.filter { method.contains($0.method) && $0.path.contains("/blobs/") }
        let moved = requests.reduce(0) { $0 + $1.received }
        #expect(try registry.requests.filter { $0.cut == true }.count == cuts)
        #expect(
            Double(moved) <= 1.1 * Double(try #require(Int(size))), "\(moved) of \(size), \(requests.count) requests")
    }

    @Test(arguments: ["pages-relative", "pages-absolute", "pages-root", "pages-inner", "pages-bare", "pages-empty"])
    func listsFollowTheirPages(_ kind: String) throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([kind], scratch: scratch)
        let archive = try Samples.archive(scratch)
        for name in ["a:1", "a:2", "a:3", "b:1"] {
            try Command.succeed("copy", archive, "docker://\(registry.address)/\(name)")
        }
        let list = try Command.succeed("ls", "--output", "json", "docker://\(registry.address)/a")
        #expect(try list.rows().compactMap(\.tag) == ["1", "2", "3"], "\(list.errors)")
        #expect(try Command.succeed("ls", "--output", "json", "docker://\(registry.address)").rows().count == 4)
    }

    /// A list that breaks off is an error: nobody would see what is missing.
    @Test(arguments: [
        ("pages-loop", 3, "earlier page"), ("pages-cut", 3, "gone"), ("pages-invalid", 3, "Link"),
    ])
    func listsThatBreakOffAreErrors(_ kind: String, _ status: Int32, _ word: String) throws {
        let scratch = try Scratch()
        let whole = try ScriptedRegistry([], scratch: scratch)
        let registry = try ScriptedRegistry([kind], scratch: scratch)
        let archive = try Samples.archive(scratch)
        for name in ["a:1", "a:2", "b:1"] {
            try Command.succeed("copy", archive, "docker://\(registry.address)/\(name)")
            try Command.succeed("copy", archive, "docker://\(whole.address)/\(name)")
        }
        for place in ["/a", "/"] {
            let list = try Command.dray("ls", "docker://\(registry.address)\(place)")
            #expect(list.status == status && list.errors.contains(word), "\(place): \(list.status) \(list.errors)")
            #expect(try Command.dray("ls", "docker://\(whole.address)\(place)").status == 0)
        }
        let backup = try Command.dray("backup", "docker://\(registry.address)/", scratch["backup"])
        #expect(backup.status != 0 && backup.errors.contains(word), "\(backup.errors)")
    }

    @Test func tagsOfOneManifestAreNotDeletedUnasked() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let registry = try ScriptedRegistry(["no-tag-delete"], scratch: scratch)
        let target = "docker://\(registry.address)/app"
        try Command.succeed("copy", archive, "\(target):1")
        try Command.succeed("tag", "\(target):1", "stable")
        let refused = try Command.dray(["delete", "\(target):1"])
        #expect(refused.status == 1 && refused.errors.contains("stable") && refused.errors.contains("--all-tags"))
        try Command.succeed("delete", "--all-tags", "\(target):1")
        #expect(try Command.dray(["digest", "\(target):stable"]).status == 4)

        let modern = try ScriptedRegistry([], scratch: scratch)
        let other = "docker://\(modern.address)/app"
        try Command.succeed("copy", archive, "\(other):1")
        try Command.succeed("tag", "\(other):1", "stable")
        try Command.succeed("delete", "\(other):1")
        #expect(try Command.dray(["digest", "\(other):1"]).status == 4)
        #expect(try Command.dray(["digest", "\(other):stable"]).status == 0)
    }

    /// Neither said, nor shown in the process list, nor sent elsewhere.
    @Test func secretsStaySecret() throws {
        let scratch = try Scratch()
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        let archive = try Samples.archive(scratch)
        for faults in [
            ["basic"], ["token"], ["token", "token-denied"], ["basic", "echo-authorization"], ["basic", "redirect"],
        ] {
            let registry = try ScriptedRegistry(faults, scratch: scratch)
            let target = "docker://\(registry.address)/app:1"
            for arguments in [[archive, target], [target, "oci:\(scratch["x"])"]] {
                let result = try Command.shell(
                    "$DRAY copy -v --retry-times 0 --creds \(scratch["creds"]) \(arguments.joined(separator: " ")) & pid=$!; "
                        + "tr '\\0' ' ' < /proc/$pid/cmdline; wait $pid")
                for secret in ["s3cr3t", "dXNlcjpzM2NyM3QtcGFzcw", "Bearer t"] {
                    #expect(
                        !result.errors.contains(secret) && !result.text.contains(secret), "\(faults): \(result.errors)")
                }
            }
        }
    }

    @Test func referrersAreFoundWithAndWithoutTheAPI() throws {
        guard Fixtures.arePresent else { return }
        for faults in [[], ["no-referrers"]] {
            let scratch = try Scratch()
            let registry = try ScriptedRegistry(faults, scratch: scratch)
            let target = "docker://\(registry.address)/command/artifacts:foobar"
            let source = "store:\(Fixtures.path)/registry-store-artifacts.tar.gz:command/artifacts:foobar"
            try Command.succeed("copy", source, "oci:\(scratch["layout"])")
            try Command.succeed("copy", "oci:\(scratch["layout"]):foobar", target)
            let inspection = try Command.succeed("inspect", "--output", "json", target)
            #expect(inspection.text.contains("test/sbom.file"), "\(faults)")
            try Command.succeed("copy", target, "oci:\(scratch["back"]):x")
            #expect(
                try Command.succeed("inspect", "--output", "json", "oci:\(scratch["back"]):x").text.contains(
                    "test/sbom.file"))
        }
    }
}
