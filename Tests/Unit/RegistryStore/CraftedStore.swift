import ByteStreams
import Foundation
import ImageModel
import RegistryStore

/// A registry's storage directory made file by file, right or wrong as a test wants it; gone afterwards.
final class CraftedStore {
    let root: String
    static let tree = "docker/registry/v2"

    init() throws {
        root = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(
            atPath: "\(root)/\(Self.tree)/repositories", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    // MARK: Files

    func path(_ relative: String) -> String { "\(root)/\(Self.tree)/\(relative)" }

    func write(_ bytes: [UInt8], _ relative: String) throws {
        let url = URL(filePath: path(relative))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func write(_ text: String, _ relative: String) throws { try write(Array(text.utf8), relative) }

    func remove(_ relative: String) throws { try FileManager.default.removeItem(atPath: path(relative)) }

    func exists(_ relative: String) -> Bool { FileManager.default.fileExists(atPath: path(relative)) }

    /// Every file and directory of the registry's tree, and what is in the files.
    func content() throws -> [String: Data?] {
        var content: [String: Data?] = [:]
        let files = FileManager.default.enumerator(atPath: path(""))
        while let file = files?.nextObject() as? String {
            content[file] = .some(FileManager.default.contents(atPath: path(file)))
        }
        return content
    }

    // MARK: Paths

    static func blob(_ digest: Digest) -> String {
        "blobs/\(digest.algorithm.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)/data"
    }
    static func revision(_ digest: Digest, _ repository: String) -> String {
        "repositories/\(repository)/_manifests/revisions/\(digest.algorithm.rawValue)/\(digest.hex)/link"
    }
    static func layer(_ digest: Digest, _ repository: String) -> String {
        "repositories/\(repository)/_layers/\(digest.algorithm.rawValue)/\(digest.hex)/link"
    }
    static func current(_ tag: String, _ repository: String) -> String {
        "repositories/\(repository)/_manifests/tags/\(tag)/current/link"
    }
    static func history(_ digest: Digest, _ tag: String, _ repository: String) -> String {
        "repositories/\(repository)/_manifests/tags/\(tag)/index/\(digest.algorithm.rawValue)/\(digest.hex)/link"
    }

    func has(_ digest: Digest) -> Bool { exists(Self.blob(digest)) }
    func serves(_ digest: Digest, _ repository: String) -> Bool { exists(Self.revision(digest, repository)) }

    // MARK: Images

    /// A blob without a link.
    @discardableResult
    func blob(_ text: String) throws -> Digest {
        let digest = Digest(of: text.utf8)
        try write(text, Self.blob(digest))
        return digest
    }

    @discardableResult
    func layer(_ text: String, in repository: String) throws -> Digest {
        let digest = try blob(text)
        try write(digest.description, Self.layer(digest, repository))
        return digest
    }

    func descriptor(_ digest: Digest, _ type: MediaType = .ociLayerGzip) -> String {
        #"{"mediaType":"\#(type.rawValue)","digest":"\#(digest)","size":1}"#
    }

    /// A manifest of any kind, under its SHA-256.
    @discardableResult
    func manifest(_ text: String, in repository: String, tag: String? = nil) throws -> Digest {
        let digest = try blob(text)
        try write(digest.description, Self.revision(digest, repository))
        if let tag { try self.tag(digest, tag, in: repository) }
        return digest
    }

    func tag(_ digest: Digest, _ tag: String, in repository: String) throws {
        try write(digest.description, Self.history(digest, tag, repository))
        try write(digest.description, Self.current(tag, repository))
    }

    /// An image whose config and layers are their own texts.
    @discardableResult
    func image(_ layers: [String], in repository: String, tag: String? = nil, subject: Digest? = nil) throws -> Digest {
        let config = try layer("config of \(layers)", in: repository)
        let parts = try layers.map { descriptor(try layer($0, in: repository)) }.joined(separator: ",")
        let subject = subject.map { #","subject":\#(descriptor($0, .ociManifest))"# } ?? ""
        return try manifest(
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":\#(descriptor(config, .ociConfig)),"#
                + #""layers":[\#(parts)]\#(subject)}"#, in: repository, tag: tag)
    }

    @discardableResult
    func index(
        _ children: [Digest], in repository: String, tag: String? = nil, type: MediaType = .ociManifest,
        indexes: [Digest] = []
    ) throws -> Digest {
        let all = children.map { descriptor($0, type) } + indexes.map { descriptor($0, .ociIndex) }
        let parts = all.joined(separator: ",")
        return try manifest(
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[\#(parts)]}"#, in: repository,
            tag: tag)
    }

    /// As a registry deletes softly: the revision's link, and the tags that mean it.
    func delete(_ digest: Digest, in repository: String, tags: String...) throws {
        try remove(Self.revision(digest, repository))
        for tag in tags { try remove("repositories/\(repository)/_manifests/tags/\(tag)") }
    }

    // MARK: Collecting

    /// Collects everything that was written before this call.
    @discardableResult
    func collect(
        dryRun: Bool = false, untagged: Bool = false, quarantine: Bool = false, grace: Duration = .zero,
        asOf moment: Int64? = nil
    ) async throws -> CollectionReport {
        var options = CollectionOptions()
        options.dryRun = dryRun
        options.deletesUntagged = untagged
        options.quarantines = quarantine
        options.graceTime = grace
        // Files of the very moment in which it starts are young.
        try await Task.sleep(for: .milliseconds(20))
        guard let moment else { return try await StoreCollector(root: root, options).run() }
        return try await StoreCollector(root: root, options) { _ in moment }.run()
    }

    /// A moment that is later than all files so far, and earlier than all that are written after it.
    func moment() async throws -> Int64 {
        try await Task.sleep(for: .milliseconds(20))
        defer { usleep(20_000) }
        return fileTime()
    }
}
