import Benchmark
import ByteStreams
import Foundation
import ImageModel
import ImageTransfer
import RegistryStore
import TarArchive

/// What the parts of a copy cost, each by itself: `swift package benchmark` tells how long they take, and
/// `Tests/count-instructions` how many instructions.
func registerBenchmarks() {
    let iterations = ProcessInfo.processInfo.environment["DRAY_BENCHMARK_ITERATIONS"].flatMap { Int($0) }
    Benchmark.defaultConfiguration = .init(
        metrics: iterations == nil ? [.wallClock, .throughput] : [.wallClock],
        warmupIterations: iterations == nil ? 3 : 0, maxDuration: .seconds(iterations == nil ? 3 : 300),
        maxIterations: iterations ?? 10_000)

    Benchmark("digest-4-MiB") { _, bytes in
        let source = HashingSource(BytesSource(bytes))
        _ = try source.drain()
        blackHole(source.digest())
    } setup: {
        Inputs.words(4 << 20)
    }

    Benchmark("gzip-4-MiB") { _, bytes in
        let hashers = [LaneHasher(), LaneHasher()]
        _ = try GzipCompressor(BytesSource(bytes), hashingInput: hashers[0], output: hashers[1]).drain()
        for hasher in hashers { blackHole(hasher.digest()) }
    } setup: {
        Inputs.words(4 << 20)
    }

    Benchmark("gunzip-4-MiB") { _, bytes in
        blackHole(try InflatingSource(BytesSource(bytes), format: .gzip, name: "words.gz").drain())
    } setup: {
        try GzipCompressor(BytesSource(Inputs.words(4 << 20))).readAll(limit: 4 << 20, name: "words.gz")
    }

    Benchmark("manifest-60-layers-10-times") { _, bytes in
        for _ in 0..<10 { blackHole(try Manifest(bytes, mediaType: .ociManifest, name: "manifest")) }
    } setup: {
        try Inputs.image(layers: 60).bytes
    }

    withScratch("tar-index-1000-members") { path in
        blackHole(try TarIndex(OpenFile(reading: path), name: path).members)
    } setup: { path in
        try Data(Inputs.tar(members: 1000)).write(to: URL(filePath: path))
    }

    withScratch("store-lookup-50-tags") { path in
        let store = Store(path: path)
        for number in 0..<50 {
            let name = Inputs.name(number)
            guard let digest = try await store.digest(of: name) else { throw Inputs.Lost(name: name) }
            blackHole(try await store.has(manifest: digest, in: name.repository))
        }
    } setup: { path in
        try await Inputs.fill(Store(path: path), images: 50)
    }
}

/// A benchmark with something on the disk, at a path of its own.
private func withScratch(
    _ title: String, _ work: @escaping (String) async throws -> Void, setup: @escaping (String) async throws -> Void
) {
    let path = FileManager.default.temporaryDirectory.appending(path: "dray-\(title)-\(UUID())").path
    Benchmark(title) { _, path in
        try await work(path)
    } setup: {
        try await setup(path)
        return path
    } teardown: {
        try FileManager.default.removeItem(atPath: path)
    }
}
