import Foundation
import Testing

/// An option that is given twice counts twice, or is refused.
struct RepeatedOptionTests {
    @Test func listsAndInventoriesAddUp() throws {
        let scratch = try Scratch()
        for name in ["a", "b", "c"] {
            let layout = try CraftedLayout(scratch["layout-\(name)"])
            try layout.add(layout.image([layout.layer(name)]), full: "shop/\(name):1")
            try scratch.write("oci:\(layout.path)\n", to: "\(name).txt")
            try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch[name])")
            let inventory = try Command.succeed("inventory", "store:\(scratch[name])")
            try inventory.output.write(to: URL(filePath: scratch["\(name).json"]))
        }
        try Command.succeed(
            "copy", "--from-file", scratch["a.txt"], "--from-file", scratch["b.txt"], "store:\(scratch["all"])")
        try Command.succeed("copy", "--from-file=\(scratch["c.txt"])", "store:\(scratch["all"])")
        let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["all"])").rows()
        #expect(rows.map(\.name) == ["shop/a:1", "shop/b:1", "shop/c:1"])
        // Layers of a and b are left out, and those of c are not.
        try Command.succeed(
            "copy", "--have", scratch["a.json"], "--have", scratch["b.json"], "store:\(scratch["all"])",
            "oci-archive:\(scratch["delta.tar"])")
        for (places, status) in [(["a"], Int32(3)), (["b"], 3), (["a", "b"], 0)] {
            let target = "store:\(scratch["target-\(places.joined())"])"
            for place in places { try Command.succeed("copy", "store:\(scratch[place])", target) }
            #expect(try Command.dray("copy", scratch["delta.tar"], target).status == status, "\(places)")
        }
    }

    @Test(arguments: [
        ("copy --prefix a --prefix b x y", "--prefix is given twice"),
        ("copy --prefix=a --name n --name=m x y", "--name is given twice"),
        ("copy --jobs 1 --jobs 1 --jobs 1 x y", "--jobs is given 3 times"),
        ("copy --volume-size 1M --volume-size 2M x y", "--volume-size is given twice"),
        ("copy --creds a --creds b x y", "--creds is given twice"),
        ("copy --receipt a x --receipt b y", "--receipt is given twice"),
        ("copy --sign a --sign b x y", "--sign is given twice"),
        ("ls --verify-key a x --verify-key b", "--verify-key is given twice"),
        ("restore --snapshot a --snapshot b x y", "--snapshot is given twice"),
        ("forget --keep-daily 7 --keep-daily 3 x", "--keep-daily is given twice"),
        ("serve --addr :1 --addr :2 x", "--addr is given twice"),
        ("login -u a --username b host", "--username is given twice"),
        ("gc --grace 1h --grace=2h x", "--grace is given twice"),
        ("verify --resume a --resume b x", "--resume is given twice"),
        ("recover --into a --into b x", "--into is given twice"),
        ("sync --limit-rate 1M --limit-rate 2M x", "--limit-rate is given twice"),
    ])
    func anOptionOfOneValueIsRefused(_ line: String, _ words: String) throws {
        let run = try Command.dray(line.split(separator: " ").map(String.init))
        #expect(run.status == 64 && run.errors.contains(words), "\(run.errors)")
    }

    /// Where it adds up, is a flag, or is a path.
    @Test(arguments: [
        "copy --platform linux/amd64 --platform linux/arm64 --base b --base c docker-archive:none store:y",
        "copy --ca-file a --ca-file b -q -q docker-archive:none store:y",
        "copy -v -v --keep-going --keep-going docker-archive:none store:y",
        "ls -- docker-archive:none",
    ])
    func othersAreTaken(_ line: String) throws {
        let run = try Command.dray(line.split(separator: " ").map(String.init))
        #expect(run.status == 4 && run.errors.contains("none: no such file"), "\(run.errors)")
    }

    @Test(arguments: [
        ("4,7GB", "decimal point"), ("4.7XB", "unknown unit"), ("0", "less than a byte"), ("1.5", "fraction of a byte"),
    ])
    func aSizeThatIsNoneIsRefused(_ size: String, _ words: String) throws {
        for option in ["--volume-size", "--limit-rate"] {
            let run = try Command.dray("copy", option, size, "x", "oci-archive:y.tar")
            #expect(run.status == 64 && run.errors.contains(words) && run.errors.contains(option), "\(run.errors)")
        }
    }

    @Test func sizesAndRatesTakeUnits() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        for (number, size) in ["4.7GB", "4.7 GiB", "1.5M", "2000KB"].enumerated() {
            try Command.succeed("copy", "--volume-size", size, archive, "oci-archive:\(scratch["v\(number).tar"])")
            let limit = size == "1.5M" ? 1_572_864 : size == "2000KB" ? 2_000_000 : 5_000_000_000
            let files = scratch.files(below: ".").filter { $0.hasPrefix("v\(number).0") }
            #expect(files.count == (limit < 5_000_000 ? 3 : 1) || limit < 5_000_000, "\(files)")
            for file in files {
                let attributes = try FileManager.default.attributesOfItem(atPath: scratch[file])
                #expect(try #require(attributes[.size] as? Int) <= limit)
            }
        }
        for rate in ["100MB", "1G", "64 MiB/s"] {
            try Command.succeed("copy", "--limit-rate", rate, archive, "store:\(scratch["store"])")
        }
    }
}
