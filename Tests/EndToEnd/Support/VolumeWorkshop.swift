import Foundation
import ImageModel
import Testing

/// A layout of two images that fill several volumes of 1 MiB, and the set that is made of it.
final class VolumeWorkshop {
    let scratch: Scratch
    /// The layout's name in the scratch directory.
    static let layout = "layout"

    init() throws {
        scratch = try Scratch()
        let layout = try CraftedLayout(scratch[Self.layout])
        var random = SeededBytes(7)
        func layers(_ sizes: [Int]) throws -> [(layer: Descriptor, diffID: Digest)] {
            try sizes.map { size in
                let bytes = random.bytes(size)
                return (layer: try layout.put(bytes, .ociLayer), diffID: Digest(of: bytes))
            }
        }
        let shared = try layers([200_000])
        // The second is larger than a volume.
        try layout.add(layout.image(shared + layers([300_001, 1_900_000, 5])), full: "team/app:1")
        try layout.add(layout.image(shared + layers([400_000, 350_000])), full: "team/tool:2")
    }

    /// - Returns: what was said.
    @discardableResult
    func pack(_ name: String = "set.tar", options: [String] = [], sourceLocation: SourceLocation = #_sourceLocation)
        throws -> Command
    {
        let packed = try Command.dray(
            ["copy", "--volume-size", "1MiB"] + options + [
                "oci:\(scratch[Self.layout])", "oci-archive:\(scratch[name])",
            ])
        try #require(packed.status == 0, "\(packed.errors)", sourceLocation: sourceLocation)
        return packed
    }

    /// The volumes of a set, sorted; recovery volumes last.
    func volumes(of stem: String = "set") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            .filter { $0.hasPrefix("\(stem).") && $0.hasSuffix(".tar") }.sorted()
    }

    /// Whether a store is what a direct copy makes.
    func expectWhole(_ store: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try Command.succeed("copy", "oci:\(scratch[Self.layout])", "store:\(scratch["direct"])")
        let same = try Command.shell("diff -r direct/docker \(store)/docker", in: scratch.path)
        #expect(same.status == 0, "\(same.text)\(same.errors)", sourceLocation: sourceLocation)
    }

    func shell(_ line: String) throws -> Command { try Command.shell(line, in: scratch.path) }
}
