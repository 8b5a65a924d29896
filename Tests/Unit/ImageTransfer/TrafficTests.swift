import ImageModel
import ImageTransfer
import Synchronization
import Testing

/// Who brings which blob, and who waits for whom.
struct TrafficTests {
    /// Shared by tasks.
    private final class Shared<Value: Sendable>: Sendable {
        private let value: Mutex<Value>

        init(_ value: Value) { self.value = Mutex(value) }

        func withLock<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result {
            value.withLock(body)
        }
    }

    private static func job(_ text: String) -> BlobJob {
        BlobJob(blob: Descriptor(mediaType: .ociLayer, digest: Digest(of: Array(text.utf8)), size: 1))
    }

    @Test func eachBlobIsOnesToBring() async {
        let traffic = BlobTraffic(slots: 1)
        let jobs = ["a", "b"].map(Self.job)
        #expect(await traffic.claim(jobs) == jobs)
        #expect(await traffic.claim([Self.job("b"), Self.job("c")]) == [Self.job("c")])
        await traffic.note(jobs[0], as: jobs[0].blob, in: "app")
        #expect(await traffic.claim([jobs[0]]).isEmpty)
        #expect(await traffic.arrival(of: jobs[0]) == jobs[0].blob)
    }

    /// Whoever waits gets the blob, or, if it was given up, the work: one of them.
    @Test(arguments: [true, false]) func waitersGoOn(_ arrives: Bool) async {
        let traffic = BlobTraffic(slots: 1)
        let job = Self.job("a")
        _ = await traffic.claim([job])
        let results = await withTaskGroup(of: Descriptor?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    let there = await traffic.arrival(of: job)
                    if there == nil { await traffic.note(job, as: job.blob, in: "app") }
                    return there
                }
            }
            if arrives { await traffic.note(job, as: job.blob, in: "app") } else { await traffic.giveUp([job]) }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 == nil } == (arrives ? 0 : 1))
    }

    @Test func aBlobIsTakenOverOnceForEachRepository() async throws {
        let traffic = BlobTraffic(slots: 1)
        let job = Self.job("a")
        await traffic.note(job, as: job.blob, in: "app")
        let adopted = Shared(0)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await traffic.isUsable(job, in: number % 2 == 0 ? "other" : "app") {
                        adopted.withLock { $0 += 1 }
                        return true
                    }
                }
            }
            for try await isUsable in group { #expect(isUsable) }
        }
        #expect(adopted.withLock { $0 } == 1)
        // What cannot be taken over is not there.
        #expect(try await traffic.isUsable(job, in: "third") { false } == false)
    }

    @Test func slotsAreNotExceeded() async throws {
        let traffic = BlobTraffic(slots: 3)
        let now = Shared((running: 0, most: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await traffic.withSlot {
                        now.withLock {
                            $0.running += 1
                            $0.most = max($0.most, $0.running)
                        }
                        await Task.yield()
                        now.withLock { $0.running -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(now.withLock { $0.most } <= 3)
    }

    /// While an index is put, nobody is at what it lists, in the same repository.
    @Test func nobodyIsAtTheChildrenOfAnIndexThatIsPut() async throws {
        let place = MemoryPlace()
        let child = try await place.manifest(try place.image("child"), in: nil)
        let index = try await place.manifest(try place.index([child.descriptor], note: "index"), in: nil)
        let traffic = ManifestTraffic()
        let state = Shared((isAtIndex: false, isAtChild: false, clashes: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await traffic.alone(at: number % 2 == 0 ? index : child, in: "app") {
                        state.withLock {
                            if number % 2 == 0 { $0.isAtIndex = true } else { $0.isAtChild = true }
                            if $0.isAtIndex && $0.isAtChild { $0.clashes += 1 }
                        }
                        await Task.yield()
                        state.withLock { if number % 2 == 0 { $0.isAtIndex = false } else { $0.isAtChild = false } }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(state.withLock { $0.clashes } == 0)
    }
}
