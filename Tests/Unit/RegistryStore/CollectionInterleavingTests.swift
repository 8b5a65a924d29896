import ByteStreams
import Foundation
import ImageModel
import RegistryStore
import Synchronization
import Testing

/// Pushes, mounts, deletes and collections in random order: nothing that was acknowledged is lost, and what was released
/// and not asked for again is freed by the next collection.
struct CollectionInterleavingTests {
    private static let repositories = ["a", "b/c", "d"]
    private static let isLong = ProcessInfo.processInfo.environment["DRAY_TESTS_LONG"] != nil

    /// What clients do with a store.
    private struct Client {
        let store: Store

        func upload(_ text: String, to repository: String) throws {
            let upload = try StoreUpload.begin(in: repository, of: store)
            try Array(text.utf8).withUnsafeBytes {
                try upload.append($0)
                upload.hash($0)
            }
            _ = try upload.commit(Digest(of: text.utf8))
        }

        func manifest(of layers: [String]) throws -> Manifest {
            func descriptor(_ text: String, _ type: MediaType) -> Descriptor {
                Descriptor(mediaType: type, digest: Digest(of: text.utf8), size: Int64(text.utf8.count))
            }
            return try Manifest(
                making: ImageManifest(
                    mediaType: .ociManifest, config: descriptor("config of \(layers)", .ociConfig),
                    layers: layers.map { descriptor($0, .ociLayerGzip) }))
        }

        /// Pushes as docker does: looks for each blob, mounts or uploads it, then puts the manifest; again if blobs of it
        /// were collected in the meantime.
        ///
        /// - Returns: whether the manifest was acknowledged.
        func push(
            _ layers: [String], as name: ImageName, from others: [String], attempts: Int = 1
        ) throws -> Manifest? {
            let manifest = try manifest(of: layers)
            for _ in 0..<attempts {
                for text in ["config of \(layers)"] + layers {
                    let digest = Digest(of: text.utf8)
                    if try store.affirm(blob: digest, in: name.repository) { continue }
                    if try others.contains(where: { try store.mount(digest, from: $0, into: name.repository) != nil }) {
                        continue
                    }
                    try upload(text, to: name.repository)
                }
                if try store.push(manifest, as: name, requiring: Set(manifest.blobs.map(\.digest))).isEmpty {
                    return manifest
                }
            }
            return nil
        }
    }

    /// The state that the operations must lead to.
    private struct Model {
        struct Image: Hashable {
            var repository: String
            var digest: Digest
        }
        /// Acknowledged and not deleted, with all that each needs.
        var images: [Image: Set<Digest>] = [:]
        var tags: [ImageName: Digest] = [:]
        var asked: [String: [Digest: Int]] = [:]
        var released: [String: [Digest: Int]] = [:]
        var step = 0

        mutating func ask(_ digests: some Sequence<Digest>, _ repository: String) {
            step += 1
            for digest in digests { asked[repository, default: [:]][digest] = step }
        }
        mutating func release(_ digests: some Sequence<Digest>, _ repository: String) {
            step += 1
            for digest in digests { released[repository, default: [:]][digest] = step }
        }
        func isReleased(_ digest: Digest, _ repository: String) -> Bool {
            released[repository]?[digest] ?? 0 > asked[repository]?[digest] ?? 0
        }
        func hasTag(_ image: Image) -> Bool {
            tags.contains { $0.key.repository == image.repository && $0.value == image.digest }
        }
        /// Removes the images without a tag that a collection deletes.
        mutating func collectUntagged() {
            images = images.filter { image, _ in hasTag(image) || !isReleased(image.digest, image.repository) }
        }
        var neededByTags: Set<Digest> { images.reduce(into: []) { if hasTag($1.key) { $0.formUnion($1.value) } } }
        var everything: Set<Digest> { Set(asked.values.flatMap(\.keys)) }
        var needed: Set<Digest> { images.values.reduce(into: []) { $0.formUnion($1) } }
        var freed: Set<Digest> {
            everything.subtracting(needed).filter { digest in
                asked.allSatisfy { repository, digests in
                    digests[digest] == nil || isReleased(digest, repository)
                }
            }
        }
    }

    @Test(arguments: 0..<(isLong ? 1000 : 100)) func everyOrderIsSafeAndFreesWhatItCan(_ seed: Int) async throws {
        var random = SeededBytes(seed: UInt64(seed))
        let crafted = try CraftedStore()
        let client = Client(store: Store(path: crafted.root, servesOthers: true))
        var model = Model()
        for _ in 0..<25 {
            let repository = try #require(Self.repositories.randomElement(using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let layers = (0..<4).filter { _ in Bool.random(using: &random) }.map { "layer \($0)" }
                let tag = "\(Int.random(in: 0..<3, using: &random))"
                let name = ImageName(repository: repository, tag: tag)
                let manifest = try #require(try client.push(layers, as: name, from: Self.repositories))
                let parts = Set(manifest.blobs.map(\.digest) + [manifest.digest])
                model.ask(parts, repository)
                model.images[Model.Image(repository: repository, digest: manifest.digest)] = parts
                model.tags[name] = manifest.digest
            case 4:
                let digest = Digest(of: "layer \(Int.random(in: 0..<4, using: &random))".utf8)
                let origin = try #require(Self.repositories.randomElement(using: &random))
                if try client.store.mount(digest, from: origin, into: repository) != nil {
                    model.ask([digest], repository)
                }
            case 5:
                let digest = Digest(of: "layer \(Int.random(in: 0..<4, using: &random))".utf8)
                if try client.store.affirm(blob: digest, in: repository) { model.ask([digest], repository) }
            case 6:
                let names = model.tags.keys.sorted { "\($0)" < "\($1)" }
                guard let name = names.randomElement(using: &random), let digest = model.tags.removeValue(forKey: name)
                else { continue }
                #expect(try client.store.deleteTag(try #require(name.tag), in: name.repository) == digest)
                let image = Model.Image(repository: name.repository, digest: digest)
                model.release(model.images[image] ?? [digest], name.repository)
            case 7:
                let images = model.images.keys.sorted { ($0.repository, $0.digest) < ($1.repository, $1.digest) }
                guard let image = images.randomElement(using: &random) else { continue }
                #expect(try client.store.deleteManifest(image.digest, in: image.repository))
                model.release(model.images.removeValue(forKey: image) ?? [], image.repository)
                model.tags = model.tags.filter { $0.key.repository != image.repository || $0.value != image.digest }
            default:
                let untagged = Bool.random(using: &random)
                if untagged { model.collectUntagged() }
                let report = try await crafted.collect(untagged: untagged, grace: .seconds(3600))
                for digest in model.needed { #expect(crafted.has(digest), "\(seed): \(digest) is lost") }
                for digest in model.freed { #expect(!crafted.has(digest), "\(seed): \(digest) is not freed") }
                let kept = untagged ? model.neededByTags : model.needed
                let waiting = model.everything.subtracting(kept).filter { crafted.has($0) }
                #expect(report.waiting.blobs == waiting.count, "\(seed)")
                for image in model.images.keys { #expect(crafted.serves(image.digest, image.repository), "\(seed)") }
            }
        }
    }

    /// Clients that each delete only what they pushed, with blobs in common, beside a collector that never stops.
    @Test(arguments: 0..<(isLong ? 40 : 4)) func nothingAcknowledgedIsLostAtTheSameTime(_ seed: Int) async throws {
        let crafted = try CraftedStore()
        let root = crafted.root
        let isOver = Mutex(false)
        async let collections: Int = {
            var count = 0
            while !isOver.withLock({ $0 }) {
                var options = CollectionOptions()
                options.deletesUntagged = true
                _ = try await StoreCollector(root: root, options).run()
                count += 1
            }
            return count
        }()
        let kept = try await withThrowingTaskGroup(of: [(String, Manifest)].self) { group in
            for number in 0..<4 {
                group.addTask {
                    var random = SeededBytes(seed: UInt64(seed * 100 + number))
                    let client = Client(store: Store(path: root, servesOthers: true))
                    let repository = Self.repositories[number % Self.repositories.count]
                    var pushed: [String: Manifest] = [:]
                    for _ in 0..<20 {
                        let layers = (0..<4).filter { _ in Bool.random(using: &random) }.map { "layer \($0)" }
                        // Its own: the others push the same layers to the same repositories.
                        let tag = "\(number)-\(Int.random(in: 0..<3, using: &random))"
                        let name = ImageName(repository: repository, tag: tag)
                        let own = layers + ["of \(number)"]
                        guard
                            let manifest = try client.push(own, as: name, from: Self.repositories, attempts: 50)
                        else { throw TestFailure("\(name) is refused again and again") }
                        pushed[tag] = manifest
                        if Bool.random(using: &random), let (tag, old) = pushed.randomElement(using: &random) {
                            _ = try client.store.deleteManifest(old.digest, in: repository)
                            pushed = pushed.filter { $0.key != tag && $0.value.digest != old.digest }
                        }
                    }
                    return pushed.values.map { (repository, $0) }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        isOver.withLock { $0 = true }
        #expect(try await collections > 0)
        for (repository, manifest) in kept {
            #expect(crafted.serves(manifest.digest, repository) && crafted.has(manifest.digest))
            for blob in manifest.blobs {
                #expect(crafted.has(blob.digest))
                #expect(crafted.exists(CraftedStore.layer(blob.digest, repository)))
            }
        }
    }

    private struct TestFailure: Error {
        var text: String
        init(_ text: String) { self.text = text }
    }
}
