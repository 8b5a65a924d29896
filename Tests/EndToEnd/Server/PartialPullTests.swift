import Foundation
import Testing

/// podman's partial pulls: of a zstd:chunked layer it asks only for what it has not got, in one request of many ranges.
struct PartialPullTests {
    /// podman keeps partial layers in its overlay storage only, which not every filesystem can hold.
    private final class Podman {
        private let scratch: Scratch

        init(_ scratch: Scratch) throws {
            self.scratch = scratch
            try scratch.write(
                """
                [storage]
                driver = "overlay"
                runroot = "\(scratch["podman/run"])"
                graphroot = "\(scratch["podman/graph"])"
                [storage.options]
                pull_options = {enable_partial_images = "true", use_hard_links = "false", ostree_repos = ""}

                """, to: "storage.conf")
        }

        deinit { _ = try? Command.shell("umount -l \(scratch["podman/graph/overlay"])") }

        @discardableResult
        func callAsFunction(_ command: String) throws -> Command {
            let result = try Command.shell(
                "CONTAINERS_STORAGE_CONF=\(scratch["storage.conf"]) podman \(command)", in: scratch.path)
            try #require(result.status == 0, "podman \(command): \(result.errors)")
            return result
        }

        static let hasOverlay: Bool =
            (try? {
                let podman = try Podman(Scratch())
                return try podman("info --format '{{.Store.GraphDriverName}}'").text.trimmed == "overlay"
            }()) ?? false
    }

    @Test(.enabled(if: Podman.hasOverlay, "needs a filesystem that podman's overlay storage works on"))
    func podmanPullsWhatChanged() throws {
        let scratch = try Scratch()
        let podman = try Podman(scratch)
        let server = try Server(in: scratch)
        try scratch.write("FROM scratch\nCOPY . /data\n", to: "Containerfile")
        let count = 600
        func fill(_ names: [Int], _ seed: Int) throws {
            for number in names {
                var random = SeededBytes(seed + number)
                let bytes = random.bytes(9000)
                try scratch.write(Data(bytes).base64EncodedString(), to: "files/\(number + 1000)")
            }
        }
        for (tag, names) in [("1", Array(0..<count)), ("2", Array(stride(from: 0, to: count, by: 2)))] {
            try fill(names, tag == "1" ? 1 : 1_000_000)
            try podman("build -q -t localhost/a:\(tag) -f Containerfile files")
            try podman(
                "push -q --tls-verify=false --compression-format zstd:chunked localhost/a:\(tag) "
                    + "docker://\(server.address)/a:\(tag)")
        }
        try podman("rmi -af")
        for tag in ["1", "2"] {
            let pull = try podman("--log-level=debug pull -q --tls-verify=false \(server.address)/a:\(tag)")
            #expect(pull.errors.contains("Retrieved partial blob"), "\(pull.errors)")
            #expect(!pull.errors.contains("Failed to retrieve partial blob"), "\(pull.errors)")
        }
        server.stop()
        // The whole layer is never sent.
        let sent = server.accessLog.matches(of: /"GET \/v2\/a\/blobs\/[^"]+" (\d+) (\d+)/)
        #expect(sent.contains { $0.1 == "206" } && !sent.contains { $0.1 == "416" }, "\(server.accessLog)")
        let layers = sent.filter { $0.1 == "206" }.compactMap { Int($0.2) }
        #expect(try #require(layers.last) < (try #require(layers.max())) * 3 / 4, "\(layers)")
    }
}
