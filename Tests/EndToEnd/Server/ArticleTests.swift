import Foundation
import Testing

/// The article's walk with a real Docker Engine, docker-compose and nginx, every command as it is typed there.
@Suite(.serialized, .disabled(if: Server.Program.isOriginal)) struct ArticleTests {
    /// Push, pull, run, look, delete softly, delete for good.
    private func walk(_ arrangement: Arrangement, _ client: Arrangement.Client) throws {
        try arrangement.pushAndPull("hello", with: client)
        #expect(try arrangement.get("_catalog") == #"{"repositories":["hello"]}"#)
        #expect(try arrangement.get("hello/tags/list") == #"{"name":"hello","tags":["latest"]}"#)
        let digest = try arrangement.digest("hello")
        let manifest = try arrangement.get("hello/manifests/\(digest)")
        for found in manifest.matches(of: /sha256:([0-9a-f]{64})/) {
            let blob = try arrangement.run("curl -sS \(arrangement.api)/hello/blobs/\(found.0) | sha256sum")
            #expect(blob.text.hasPrefix(found.1))
        }
        let before = try arrangement.blobs()
        try arrangement.delete("hello", digest)
        #expect(try arrangement.get("hello/tags/list") == #"{"name":"hello","tags":[]}"#)
        #expect(try arrangement.blobs() == before && before.count == 3)
        let planned = try arrangement.collect("--dry-run")
        #expect(try arrangement.blobs() == before)
        let run = try arrangement.collect()
        #expect(run.lines.dropLast() == planned.lines.dropLast())
        #expect(run.text.contains("blob eligible for deletion: \(digest)") && !run.errors.contains("registry seems"))
        #expect(try arrangement.blobs().isEmpty, "the space is free again")
    }

    @Test(arguments: Arrangement.Client.allCases)
    func everyStepWorksTwiceInARow(_ client: Arrangement.Client) throws {
        let arrangement = try Arrangement()
        try arrangement.up()
        try walk(arrangement, client)
        try walk(arrangement, client)
        try arrangement.pushAndPull("kept", with: client)
        let kept = try arrangement.digest("kept")
        for command in ["docker-compose stop && docker-compose start", "docker-compose restart"] {
            try arrangement.run(command)
            try arrangement.wait()
            #expect(try arrangement.digest("kept") == kept)
        }
        try arrangement.run("docker-compose down")
        try arrangement.up()
        #expect(try arrangement.digest("kept") == kept)
        try arrangement.delete("kept", kept)
        _ = try arrangement.collect("-m=true")
        // The catalog goes on listing the repository, as the original's does.
        #expect(try arrangement.get("_catalog") == #"{"repositories":["hello","kept"]}"#)
        #expect(try arrangement.blobs().isEmpty)
    }

    @Test func aVolumeOfTheOriginalIsTakenOver() throws {
        let arrangement = try Arrangement()
        try arrangement.writeFiles(image: "original")
        try arrangement.up()
        try arrangement.pushAndPull("before", with: .docker)
        try arrangement.pushAndPull("gone", with: .docker)
        let digest = try arrangement.digest("before")
        try arrangement.run("docker-compose down")
        try arrangement.writeFiles(image: "dray")
        try arrangement.up()
        #expect(try arrangement.get("_catalog") == #"{"repositories":["before","gone"]}"#)
        let image = "\(arrangement.registry)/before"
        try arrangement.run("docker pull \(image) && docker run --rm --network none \(image) && docker rmi \(image)")
        // Its bytes are the other repository's, too.
        try arrangement.delete("gone", digest)
        #expect(try arrangement.collect().text.contains("0 blobs and 0 manifests eligible"))
        #expect(try arrangement.digest("before") == digest)
        try arrangement.delete("before", digest)
        _ = try arrangement.collect()
        #expect(try arrangement.blobs().isEmpty)
        // And back again.
        try arrangement.pushAndPull("after", with: .docker)
        try arrangement.run("docker-compose down")
        try arrangement.writeFiles(image: "original")
        try arrangement.up()
        let after = "\(arrangement.registry)/after"
        try arrangement.run("docker pull \(after) && docker run --rm --network none \(after) && docker rmi \(after)")
    }

    /// The image starts in each way in which the original's does.
    @Test func theImageTakesTheOriginalsArguments() throws {
        let arrangement = try Arrangement()
        let run = "docker run --rm --network none"
        for words in ["--version", "registry --version", "/bin/registry --version"] {
            #expect(try arrangement.run("\(run) dray \(words)").text.contains(/^\d+\.\d+\.\d+\n$/))
        }
        #expect(try arrangement.run("\(run) dray garbage-collect --help").text.contains("--delete-untagged"))
        try arrangement.run("\(run) dray garbage-collect --dry-run /etc/docker/registry/config.yml || [ $? = 4 ]")
        // A bare configuration, the default one without words, and a whole command line.
        for (name, words) in [
            ("bare", "/etc/docker/registry/config.yml"), ("none", ""),
            ("whole", "/bin/registry serve /etc/docker/registry/config.yml"),
        ] {
            try arrangement.run("docker run -d --name \(name) dray \(words)")
            try arrangement.run("timeout 60 sh -c 'until docker logs \(name) 2>&1 | grep -q listening; do :; done'")
            try arrangement.run("docker stop -t 20 \(name)")
            #expect(try arrangement.run("docker inspect -f '{{.State.ExitCode}}' \(name)").text == "0\n")
        }
    }
}
