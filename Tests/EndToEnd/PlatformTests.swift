import Foundation
import ImageModel
import Testing

/// What is missing is an error, and what the user has excluded is not.
struct PlatformTests {
    private let scratch: Scratch
    private let layout: CraftedLayout

    init() throws {
        scratch = try Scratch()
        layout = try CraftedLayout(scratch["layout"])
    }

    /// A multi-platform image with attestations.
    ///
    /// - Returns: the image of each platform, and its attestation.
    private func platforms(
        _ architectures: [String], name: String = "docker.io/library/tool:1"
    ) throws -> [(image: Descriptor, attestation: Descriptor)] {
        let images = try architectures.map { architecture in
            try layout.image([layout.layer(architecture)], architecture: architecture).on(architecture)
        }
        let attestations = try images.map { try layout.attestation(of: $0) }
        try layout.add(layout.index(images + attestations), "1", full: name)
        return Array(zip(images, attestations))
    }

    /// As `docker save --platform` and `nerdctl save` write it: the index lists more than there is.
    @Test(arguments: ["arm64", "s390x"], [true, false])
    func anAttestationThatIsNotThere(_ architecture: String, _ hasManifest: Bool) throws {
        let parts = try platforms(["amd64", "arm64", "s390x"])
        for part in parts where part.image.platform?.architecture != architecture {
            try layout.remove(part.image)
            try layout.remove(part.attestation)
        }
        let own = try #require(parts.first { $0.image.platform?.architecture == architecture })
        if !hasManifest { try layout.remove(own.attestation) }
        let store = "store:\(scratch["store"])"
        let refused = try Command.dray("copy", "oci:\(layout.path)", store)
        #expect(refused.status == 3 && refused.errors.contains("--platform present"), "\(refused.errors)")
        for choice in ["linux/\(architecture)", "present"] {
            let target = "oci:\(scratch["out-\(choice.count)"])"
            let copied = try Command.succeed("copy", "--platform", choice, "oci:\(layout.path)", target)
            #expect(copied.errors.contains("\(own.attestation.digest)") != hasManifest, "\(copied.errors)")
            let raw = try Command.succeed("inspect", "--raw", target).text
            #expect(raw.contains("\(own.image.digest)") && raw.contains("\(own.attestation.digest)") == hasManifest)
            try Command.succeed("verify", "--deep", target)
        }
    }

    /// A pull-through cache has what its clients asked for, and that is what can be kept of it.
    @Test func whatACacheHas() throws {
        let parts = try platforms(["amd64", "arm64", "riscv64"])
        try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["cache"]):mirror/tool:1")
        let base = scratch["cache"] + "/docker/registry/v2"
        let gone = parts[1].image.digest.hex
        for path in [
            "repositories/mirror/tool/_manifests/revisions/sha256/\(gone)", "blobs/sha256/\(gone.prefix(2))/\(gone)",
        ] {
            try FileManager.default.removeItem(atPath: "\(base)/\(path)")
        }
        // Of another, a layer is lost.
        let manifest = try JSONDecoder().decode(
            ImageManifest.self, from: Data(contentsOf: layout.file(parts[2].image.digest)))
        let layer = manifest.layers[0].digest.hex
        try FileManager.default.removeItem(atPath: "\(base)/blobs/sha256/\(layer.prefix(2))/\(layer)")
        let cache = "store:\(scratch["cache"])"
        for command in [["copy", cache, "oci-archive:\(scratch["x.tar"])"], ["backup", cache, scratch["backup"]]] {
            let whole = try Command.dray(command)
            #expect(whole.status == 3, "\(whole.errors)")
            #expect(whole.errors.contains("--platform present"), "\(whole.errors)")
            let part = try Command.dray([command[0], "--platform", "present"] + command[1...])
            #expect(part.status == 0, "\(part.errors)")
            #expect(part.errors.contains("linux/arm64") && part.errors.contains("linux/riscv64"), "\(part.errors)")
        }
        try Command.succeed("restore", scratch["backup"], "store:\(scratch["restored"])")
        for place in [scratch["x.tar"], "store:\(scratch["restored"])"] {
            let raw = try Command.succeed("inspect", "--raw", place).text
            #expect(raw.contains("\(parts[0].image.digest)") && !raw.contains("\(parts[1].image.digest)"))
            try Command.succeed("verify", "--deep", place)
        }
    }

    /// Beside images that are whole, and with `--keep-going`.
    @Test(arguments: ["amd64", "arm64"])
    func aPlatformThatIsListedAndNotThere(_ wanted: String) throws {
        let parts = try platforms(["amd64", "arm64"])
        try layout.add(layout.image([layout.layer("whole")], architecture: "arm64"), "whole:1")
        try layout.add(layout.image([layout.layer("other")], architecture: "ppc64le"), "other:1")
        try layout.remove(parts[wanted == "amd64" ? 0 : 1].image)
        let arguments = ["--platform", "linux/\(wanted)", "oci:\(layout.path)"]
        let stopped = try Command.dray(["copy"] + arguments + ["oci:\(scratch["a"])"])
        #expect(stopped.status == 3 && stopped.errors.contains(parts[wanted == "amd64" ? 0 : 1].image.digest.hex))
        let partly = try Command.dray(["copy", "--keep-going"] + arguments + ["oci:\(scratch["b"])"])
        #expect(partly.status == (wanted == "arm64" ? 2 : 3), "\(partly.status) \(partly.errors)")
        #expect(partly.errors.contains("other:1"), "what is not for the platform is told: \(partly.errors)")
    }

    @Test(arguments: ["linux", "unknown/unknown", "present,linux/amd64"])
    func whatIsNoPlatform(_ text: String) throws {
        let options = text.split(separator: ",").flatMap { ["--platform", String($0)] }
        let result = try Command.dray(["copy"] + options + ["oci:\(layout.path)", "store:\(scratch["s"])"])
        #expect(result.status == 64 && result.errors.contains("--platform"), "\(result.errors)")
    }
}
