import RegistryServer
import Synchronization
import Testing

struct SharedWorkTests {
    private let clock = ManualClock()
    private let late = UpstreamFailure(.silent, "late")

    /// Work that ends when it is told.
    private final class Job: Sendable {
        private let gate = AsyncStream<Void>.makeStream()
        private let begun = Mutex(0)
        var count: Int { begun.withLock { $0 } }

        func run(_ value: Int) async -> Int {
            begun.withLock { $0 += 1 }
            for await _ in gate.stream { break }
            return value
        }

        func end() { gate.continuation.yield() }
    }

    @Test func itIsDoneOnceForAll() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 10, busy: UpstreamFailure.busy)
        let job = Job()
        let tasks = (0..<20).map { _ in
            Task { try await work.value(for: "a", within: .seconds(1), orThrow: late) { _ in await job.run(5) } }
        }
        await clock.sleepers(20)
        job.end()
        for task in tasks { #expect(try await task.value == 5) }
        #expect(job.count == 1 && work.count == 0)
    }

    @Test func eachWaitsAsLongAsItWants() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 10, busy: UpstreamFailure.busy)
        let job = Job()
        let short = Task {
            try await work.value(for: "a", within: .seconds(1), orThrow: late) { isWanted in
                #expect(isWanted())
                return await job.run(5)
            }
        }
        await clock.sleepers(1)
        let long = Task { try await work.value(for: "a", within: .seconds(9), orThrow: late) { _ in await job.run(6) } }
        await clock.sleepers(2)
        clock.advance(by: .seconds(1))
        await #expect(throws: late) { try await short.value }
        job.end()
        #expect(try await long.value == 5)
    }

    /// Work that has not had its turn says nothing about the upstream.
    @Test func workThatWaitsForItsTurnIsBusy() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 10, busy: UpstreamFailure.busy)
        let job = Job()
        let task = Task { try await work.value(for: "a", within: .seconds(1), orThrow: late) { _ in await job.run(5) } }
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        await #expect(throws: UpstreamFailure.busy) { try await task.value }
        job.end()
    }

    @Test func cancelledCallersDoNotWait() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 10, busy: UpstreamFailure.busy)
        let job = Job()
        let gone = Task {
            try await work.value(for: "a", within: .seconds(1), orThrow: late) { isWanted in
                #expect(isWanted())
                return await job.run(5)
            }
        }
        await clock.sleepers(1)
        while job.count == 0 { await Task.yield() }
        gone.cancel()
        await #expect(throws: CancellationError.self) { try await gone.value }
        // It goes on, for those who come later.
        let next = Task { try await work.value(for: "a", within: .seconds(1), orThrow: late) { _ in await job.run(6) } }
        await clock.sleepers(1)
        job.end()
        #expect(try await next.value == 5)
    }

    /// A caller that comes after all others have gone begins it again.
    @Test func workThatNobodyWaitsForIsNotBegun() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 10, busy: UpstreamFailure.busy)
        let queue = Job()
        let wanted = Mutex<Bool?>(nil)
        let gone = Task {
            try await work.value(for: "a", within: .seconds(1), orThrow: late) { isWanted in
                _ = await queue.run(0)
                wanted.withLock { $0 = isWanted() }
                throw CancellationError()
            }
        }
        await clock.sleepers(1)
        gone.cancel()
        await #expect(throws: CancellationError.self) { try await gone.value }
        queue.end()
        while wanted.withLock({ $0 }) == nil { await Task.yield() }
        #expect(wanted.withLock { $0 } == false)
        #expect(try await work.value(for: "a", within: .seconds(1), orThrow: late) { $0() ? 7 : 0 } == 7)
    }

    /// It leaves its place in a queue to others.
    @Test func workThatNobodyWaitsForIsCancelled() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 1, busy: UpstreamFailure.busy)
        let queue = Job()
        let end = AsyncStream.makeStream(of: Bool.self)
        let gone = Task {
            try await work.value(for: "a", within: .seconds(1), orThrow: late) { _ in
                let value = await queue.run(0)
                end.continuation.yield(Task.isCancelled)
                return value
            }
        }
        await clock.sleepers(1)
        while queue.count == 0 { await Task.yield() }
        gone.cancel()
        await #expect(throws: CancellationError.self) { try await gone.value }
        for await isCancelled in end.stream {
            #expect(isCancelled)
            break
        }
        #expect(try await work.value(for: "b", within: .seconds(1), orThrow: late) { $0() ? 7 : 0 } == 7)
    }

    @Test func thereIsALimit() async throws {
        let work = SharedWork<Int, Int>(clock: clock, limit: 2, busy: UpstreamFailure.busy)
        let jobs = [Job(), Job()]
        let tasks = jobs.enumerated().map { number, job in
            Task { try await work.value(for: number, within: .seconds(1), orThrow: late) { _ in await job.run(5) } }
        }
        await clock.sleepers(2)
        await #expect(throws: UpstreamFailure.busy) {
            try await work.value(for: 3, within: .seconds(1), orThrow: late) { _ in 6 }
        }
        for job in jobs { job.end() }
        for task in tasks { #expect(try await task.value == 5) }
    }

    @Test func failuresReachAll() async throws {
        let work = SharedWork<String, Int>(clock: clock, limit: 10, busy: UpstreamFailure.busy)
        let job = Job()
        let tasks = (0..<3).map { _ in
            Task {
                try await work.value(for: "a", within: .seconds(1), orThrow: late) { _ in
                    _ = await job.run(0)
                    throw UpstreamFailure(.failing, "x")
                }
            }
        }
        await clock.sleepers(3)
        job.end()
        for task in tasks { await #expect(throws: UpstreamFailure(.failing, "x")) { try await task.value } }
    }
}
