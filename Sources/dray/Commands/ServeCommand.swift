import ArgumentParser
import ByteStreams
import DrayKit
import ImageModel
import RegistryClient
import RegistryServer

/// `dray serve`
struct ServeCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Be a registry: for a storage directory, or for archives and layouts as they lie.",
        usage: "dray serve [<options>] CONFIG.yml\ndray serve [<options>] REFERENCE...",
        discussion: """
            With the config.yml of a CNCF distribution registry, dray is that registry: the same storage, the \
            same API, and REGISTRY_* variables override the file. With references, what they hold can be \
            pulled, straight from where it lies; nothing is unpacked, and nothing can be pushed.

            With proxy.remoteurl, dray is a pull-through cache of that registry. A tag is compared with the \
            registry's when the last comparison is older than proxy.checkinterval (default 1m); content that \
            is cached is served whatever state the registry is in, and is kept for proxy.ttl (default 168h; \
            0 for ever). Only proxy.username and proxy.password, or proxy.exec, count as credentials.

            SIGTERM and ^C take no more connections and end when the requests under way have ended, or after \
            http.draintimeout; a second signal ends at once. The TLS certificate and the password file are read \
            again when they change, and on SIGHUP; config.yml is read at the start only.

            Examples:
              dray serve /etc/docker/registry/config.yml
              dray serve --addr :5000 images.tar oci:layout
            """)

    @Argument(help: ArgumentHelp("A registry's config.yml, or references to serve.", valueName: "config | reference"))
    var places: [String] = []

    @Option(
        help: ArgumentHelp(
            "Listen here, as [HOST]:PORT. (default: the file's; 127.0.0.1:5000 for references)", valueName: "address"))
    var addr: String?

    @Flag(help: "List the tags of a repository without tags as null, as registry 2.x does, and not as [].")
    var nullTags = false

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        // While the server starts, there is nothing to read again, and a hang-up does not end it either.
        Interruption.handleHangUps {}
        let server = try await server(console)
        Interruption.handleHangUps { Task { await server.reload() } }
        Interruption.handleOnce { Task { await server.stop() } }
        try await server.run(as: "dray \(drayVersion)")
        return .done
    }

    private func server(_ console: Console) async throws -> RegistryServer {
        let variables = ProcessEnvironment.variables
        let file = places.isEmpty ? variables["REGISTRY_CONFIGURATION_PATH"] : places.count == 1 ? places[0] : nil
        if let file, try places.isEmpty || isConfiguration(file) {
            let (read, warnings) = try ServerConfiguration.read(path: file, environment: variables)
            for warning in warnings { console.note(Printable.line(warning)) }
            var configuration = read
            if let addr { configuration.http.address = try address(addr) }
            return try RegistryServer(configuration, nullTags: nullTags)
        }
        guard !places.isEmpty else { throw ValidationError("Missing CONFIG.yml or REFERENCE...") }
        var configuration = ServerConfiguration(storage: ServerConfiguration.Storage(root: ""))
        configuration.storage.isReadOnly = true
        configuration.http.address = try address(addr ?? "127.0.0.1:5000")
        var images: [NamedImage] = []
        for place in places { images += try await self.images(at: place, console) }
        return try await RegistryServer(serving: images, configuration, nullTags: nullTags)
    }

    /// Whether a file is a registry's configuration, whatever its name: text that begins with one of its keys.
    private func isConfiguration(_ path: String) throws -> Bool {
        if path.hasSuffix(".yml") || path.hasSuffix(".yaml") { return true }
        guard !path.contains(":"), try fileKind(path) == .file else { return false }
        let file = try OpenFile(reading: path)
        let start = try FileSource(file, length: min(file.size, 4096)).readAll(limit: 4096, name: path)
        guard !start.contains(0) else { return false }
        return String(decoding: start, as: UTF8.self).split(separator: "\n").contains { line in
            ["version:", "storage:"].contains { line.lowercased().hasPrefix($0) }
        }
    }

    /// What a reference means, and what is particular about serving it.
    private func images(at place: String, _ console: Console) async throws -> [NamedImage] {
        let dray = Dray(RegistryOptions())
        let reference = try dray.references.read(place)
        guard !reference.isStandardStream else {
            throw ImageError.usage(
                "\(place): what is on standard input has gone by when it is asked for: put it into a file")
        }
        guard reference.transport != .registry else {
            throw ImageError.usage(
                "\(reference): a registry; for a cache of it, write a config.yml with proxy.remoteurl: "
                    + "https://\(reference.location)")
        }
        let source = try await dray.source(reference)
        let listing = try await source.listing(named: reference.name, digest: reference.digest)
        for remark in listing.remarks { console.note(Printable.line(remark)) }
        for note in listing.notes { console.note(Printable.line("\(note): it is left out")) }
        for broken in listing.broken { console.note(Printable.line("\(broken.title) is not served: \(broken.error)")) }
        let images = try source.named(listing.readable())
        for image in images {
            if let remark = image.remark {
                console.note(Printable.line("\(image.image.title) is called \(image.name): \(remark)"))
            }
            if try await source.manifests(of: image.image).contains(where: \.hasRawLayers) {
                console.note(
                    Printable.line(
                        "\(image.name): its layers are served as they lie, not compressed, under the manifest "
                            + "\(image.image.descriptor.digest); a copy would gzip them, and have another digest"))
            }
        }
        if source.access == .inOrder {
            console.note(
                Printable.line(
                    "\(source.title) is compressed as a whole: for each blob that is pulled, it is inflated up to there; "
                        + "inflate it into a file first if it is pulled from often"))
        }
        return images
    }

    private func address(_ text: String) throws -> ServerConfiguration.HTTP.Address {
        guard let address = ServerConfiguration.HTTP.Address(text) else {
            throw ValidationError("--addr '\(text)': expected [HOST]:PORT; an IPv6 address goes in brackets")
        }
        return address
    }
}

extension Manifest {
    /// Whether it is of an image with a layer that nothing compresses.
    fileprivate var hasRawLayers: Bool {
        guard case .image(let image) = content else { return false }
        return image.layers.contains { $0.mediaType.layerCompression == LayerCompression.none }
    }
}
