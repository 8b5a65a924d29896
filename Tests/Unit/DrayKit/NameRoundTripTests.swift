import Foundation
import ImageBackup
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryStore
import Testing

/// Repositories, tags and untagged manifests survive the way through every transport that can hold them.
struct NameRoundTripTests {
    private static let isLong = ProcessInfo.processInfo.environment["DRAY_TESTS_LONG"] != nil

    /// A place that images go through, and come back from.
    enum Transport: CaseIterable {
        case store, layout, archive, dockerArchive, backup

        func destination(_ path: String) async throws -> any ImageDestination {
            switch self {
            case .store: Store(path: path)
            case .layout: OCILayout(path: path)
            case .archive: ArchiveDestination(.oci, path: path)
            case .dockerArchive: ArchiveDestination(.docker, path: path)
            case .backup: try await Backup(path: path).newSnapshot(of: ["memory"])
            }
        }

        func source(_ path: String) async throws -> any ImageSource {
            switch self {
            case .store: try StoreSource(path: path)
            case .layout, .archive: try OCISource(path: path)
            case .dockerArchive: try DockerArchive(path: path)
            case .backup: try await Backup(path: path).source(of: Backup(path: path).snapshot())
            }
        }

        /// Whether the registry's host is part of the names there.
        var keepsHosts: Bool { self == .layout || self == .archive || self == .dockerArchive }
    }

    /// What there is, as a store would have it.
    struct Names: Hashable, CustomStringConvertible {
        /// `REPOSITORY:TAG`, and the digest.
        var tags: [String: Digest] = [:]
        /// `REPOSITORY@DIGEST`
        var manifests: Set<String> = []

        mutating func add(_ name: ImageName, _ digest: Digest) {
            manifests.insert("\(name.repository)@\(digest)")
            if name.tag != nil { tags[name.path] = digest }
        }

        var description: String {
            (tags.map { "\($0.key) \($0.value.short)" } + manifests.map { String($0.prefix(40)) }).sorted()
                .joined(separator: "\n")
        }
    }

    private static let firstComponents = [
        "quay.io", "docker.io", "registry.k8s.io", "localhost", "my.project", "library", "team", "a", "index.docker.io",
        "xn--bcher-kva.example", "10.0.0.1", "sha256", "blobs", "0", "a--b", "a__b",
    ]
    private static let others = ["library", "app", "etcd", "busybox", "blobs", "latest", "a.b", "x-y", "1", "sha256"]
    private static let tags = ["latest", "1.36", "v3.5.4", "_", "Beta-1", "sha256-abc", "1.0.0-rc.1_x", "library"]
    private static let hosts = [
        nil, nil, "registry.example", "docker.io", "localhost:5000", "plainhost", "10.1.2.3:5000",
    ]

    /// Images of a registry, or of a store, some of them without a tag.
    static func sample(_ random: inout SeededBytes) throws -> (MemoryPlace, Names) {
        let source = MemoryPlace()
        var names = Names()
        let host = hosts.randomElement(using: &random) ?? nil
        var taken: Set<ImageName> = []
        for number in 0..<Int.random(in: 1...6, using: &random) {
            var components = [firstComponents.randomElement(using: &random) ?? "a"]
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                components.append(others.randomElement(using: &random) ?? "b")
            }
            var name = ImageName(host: host, repository: components.joined(separator: "/"))
            if Int.random(in: 0..<4, using: &random) > 0 { name.tag = tags.randomElement(using: &random) }
            guard name.tag == nil || taken.insert(name).inserted else { continue }
            let image = try source.image("\(number) \(UInt32.random(in: 0...UInt32.max, using: &random))")
            let isIndex = Int.random(in: 0..<4, using: &random) == 0
            let root = isIndex ? try source.index([image], note: "\(number)") : image
            source.name(root, .full(name), in: name.repository)
            names.add(name, root.digest)
            if isIndex { names.add(ImageName(repository: name.repository), image.digest) }
        }
        return (source, names)
    }

    private static func names(inStore path: String) async throws -> Names {
        var names = Names()
        let store = try StoreSource(path: path)
        for image in try await store.images() {
            guard case .full(let name) = image.name else { continue }
            names.add(name, image.descriptor.digest)
            for manifest in try await store.manifests(of: image) {
                names.add(ImageName(repository: name.repository), manifest.digest)
            }
        }
        return names
    }

    /// A round trip through two transports, and into a store.
    private static func trip(_ seed: UInt64, _ ways: [Transport]) async throws {
        let directory = try Workplace()
        var random = SeededBytes(seed: seed)
        let (memory, expected) = try sample(&random)
        var source: any ImageSource = memory
        for (number, way) in (ways + [.store]).enumerated() {
            let path = directory["\(number)"]
            _ = try await Copier().copy([CopySelection(source: source)], to: way.destination(path))
            source = try await way.source(path)
        }
        let found = try await names(inStore: directory["\(ways.count)"])
        #expect(found == expected, "seed \(seed), through \(ways): \(found)\nexpected: \(expected)")
    }

    @Test(arguments: Transport.allCases)
    func nothingChangesOnTheWay(_ first: Transport) async throws {
        let count = Self.isLong ? 400 : 8
        for second in Transport.allCases {
            for seed in 0..<UInt64(count) { try await Self.trip(seed &* 31 &+ UInt64(count), [first, second]) }
        }
    }

    /// The host that a name came with is still known where names have one.
    @Test(arguments: Transport.allCases.filter(\.keepsHosts))
    func hostsAreKept(_ transport: Transport) async throws {
        for host in Self.hosts {
            let directory = try Workplace()
            let memory = MemoryPlace()
            let names = ["library/busybox:1.36", "quay.io/coreos/etcd:v3", "team/app:1", "app:2"].compactMap {
                ImageName(withoutHost: $0).map { ImageName(host: host, repository: $0.repository, tag: $0.tag) }
            }
            for name in names { memory.name(try memory.image(name.path), .full(name), in: name.repository) }
            _ = try await Copier().copy([CopySelection(source: memory)], to: transport.destination(directory["x"]))
            let found = try await transport.source(directory["x"]).images().map(\.name)
            #expect(Set(found) == Set(names.map { .full($0) }), "\(host ?? "no host")")
        }
    }
}
