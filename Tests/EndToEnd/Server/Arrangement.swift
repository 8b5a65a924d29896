import Foundation
import Testing

/// A registry behind nginx, run by docker-compose from the files of `samples/registry`, on a Docker Engine of its own.
///
/// The images are made from programs of this machine: `dray`, `nginx:stable`, `hello`, which prints a line, and
/// `original`, Debian's docker-registry.
final class Arrangement {
    /// The program that pushes, pulls and runs images.
    enum Client: Sendable, CaseIterable {
        case docker, podman
    }

    let scratch: Scratch
    private let engine: DockerEngine
    private let port: Int
    private let samples = Command.package.appending(path: "samples").path

    init() throws {
        scratch = try Scratch()
        engine = try DockerEngine(in: scratch)
        port = try Registry.freePort()
        try writeFiles(image: "dray")
        let image = "\(samples)/tools/program-image"
        try run("\(samples)/registry/image | docker load")
        try run(#"\#(image) --name hello --cmd '["/bin/busybox", "echo", "hello"]' busybox:/bin/busybox > hello.tar"#)
        try run("docker load -i hello.tar")
        let original = #"\#(image) --name original --entrypoint '["/bin/registry"]' docker-registry:/bin/registry"#
        try run("\(original) | docker load")
        try run(
            """
            \(image) --name nginx:stable --entrypoint '["/usr/sbin/nginx", "-g", "daemon off;"]' --directory /run \
                --directory /var/log/nginx --directory /var/lib/nginx --file /etc/passwd:/etc/passwd \
                --file /etc/group:/etc/group /usr/sbin/nginx | docker load
            """)
    }

    deinit { _ = try? engine.shell("docker-compose down -v") }

    /// The three files as they are, but for the published port and the registry's image.
    func writeFiles(image: String) throws {
        for name in ["config.yml", "nginx.conf"] {
            try scratch.write(String(contentsOfFile: "\(samples)/registry/\(name)", encoding: .utf8), to: name)
        }
        let compose = try String(contentsOfFile: "\(samples)/registry/docker-compose.yaml", encoding: .utf8)
        let changed = compose.replacing("\"127.0.0.1:5000:80\"", with: "\"127.0.0.1:\(port):80\"")
            .replacing("image: dray", with: "image: \(image)")
        try #require(changed.contains(":\(port):80") && changed.contains("image: \(image)"))
        try scratch.write(changed, to: "docker-compose.yaml")
    }

    /// Runs a command line that has to succeed, as typed.
    @discardableResult
    func run(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Command {
        let result = try engine.shell(line)
        try #require(
            result.status == 0, "\(line): \(result.text) \(result.errors)", sourceLocation: sourceLocation)
        return result
    }

    // MARK: The registry

    var registry: String { "localhost:\(port)" }

    /// Starts both containers and waits until the registry answers through nginx.
    func up() throws {
        try run("docker-compose up -d")
        try wait()
    }

    func wait() throws {
        try run("curl -sf --retry 600 --retry-all-errors --retry-delay 0 --retry-max-time 60 \(api)/")
    }

    var api: String { "http://127.0.0.1:\(port)/v2" }

    func get(_ path: String) throws -> String { try run("curl -sS \(api)/\(path)").text.trimmed }

    /// The digest that a tag means, as the answer's header has it.
    func digest(_ repository: String, _ tag: String = "latest") throws -> String {
        let type = "application/vnd.docker.distribution.manifest.v2+json"
        let head = try run("curl -sSI -H 'Accept: \(type)' \(api)/\(repository)/manifests/\(tag)").text
        #expect(head.contains(" 200") && head.contains(type), "\(head)")
        return try #require(head.firstMatch(of: /(?i)docker-content-digest: (sha256:[0-9a-f]{64})/)).1.description
    }

    func delete(_ repository: String, _ digest: String) throws {
        let answer = try run("curl -sSi -X DELETE \(api)/\(repository)/manifests/\(digest)").text
        #expect(answer.contains(" 202"), "\(answer)")
    }

    /// The hard delete, as the article types it.
    func collect(_ options: String = "") throws -> Command {
        try run("docker-compose exec -T registry /bin/registry garbage-collect \(options) /etc/registry/config.yml")
    }

    /// Files of blobs in the registry's volume.
    func blobs() throws -> Set<String> {
        let volume = "$(docker volume inspect -f '{{.Mountpoint}}' $(docker volume ls -q | grep storage))"
        return Set(try run("find \(volume)/docker/registry/v2/blobs -type f").lines)
    }

    // MARK: The clients

    private var podman: String {
        "podman --cgroup-manager cgroupfs --runtime runc --storage-driver vfs --root \(scratch["podman"]) "
            + "--runroot \(scratch["runroot"])"
    }

    /// Pushes, removes, pulls and runs an image, and removes it again.
    func pushAndPull(_ repository: String, with client: Client) throws {
        let name = "\(registry)/\(repository)"
        let hello: Command
        switch client {
        case .docker:
            try run("docker load -i hello.tar && docker tag hello \(name) && docker push \(name)")
            try run("docker rmi \(name) hello && docker pull \(name)")
            hello = try run("docker run --rm --network none \(name)")
            try run("docker rmi \(name)")
        case .podman:
            try run("\(podman) load -i hello.tar && \(podman) tag hello \(name)")
            try run("\(podman) push --tls-verify=false \(name)")
            try run("\(podman) rmi \(name) hello && \(podman) pull --tls-verify=false \(name)")
            hello = try run(
                "\(podman) run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \(name)")
            try run("\(podman) rmi \(name)")
        }
        #expect(hello.text == "hello\n")
    }
}
