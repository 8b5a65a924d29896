import ImageModel
import RegistryServer
import RegistryStore
import Testing

/// A cache in front of an upstream in memory.
struct PullThroughTests {
    private let place: Workplace
    private let clock = ManualClock()
    private let upstream = FakeUpstream()
    private let record = LogRecord()
    private let content: PullThroughContent

    init() throws {
        place = try Workplace()
        content = Self.cache(place, upstream, clock, record)
    }

    private static func cache(
        _ place: Workplace, _ upstream: FakeUpstream, _ clock: ManualClock, _ record: LogRecord
    ) -> PullThroughContent {
        PullThroughContent(
            Store(path: place["cache"], servesOthers: true), upstream: upstream, checkInterval: .seconds(60),
            clock: clock, logger: record.logger)
    }

    /// The same storage, after a restart.
    private func restarted() -> PullThroughContent { Self.cache(place, upstream, clock, record) }

    /// An image that is cached under a tag.
    private func cached(_ tag: String = "1") async throws -> Manifest {
        let manifest = try FakeUpstream.manifest(tag)
        upstream.push(manifest, as: tag)
        #expect(try await content.manifest(tagged: tag, in: "a")?.digest == manifest.digest)
        _ = upstream.requests()
        return manifest
    }

    /// Waits until nothing is asked of the upstream any more.
    private func settle() async { while content.openRequests > 0 { await Task.yield() } }

    private static let failures: [UpstreamFailure] = [
        UpstreamFailure(.limited, "429"), UpstreamFailure(.unavailable, "503", retryAfter: .seconds(30)),
        UpstreamFailure(.failing, "500"), UpstreamFailure(.silent, "504"), UpstreamFailure(.wrong, "lies"),
    ]

    // MARK: Checks of tags

    @Test func tagsAreLookedUpOnceInAnInterval() async throws {
        let manifest = try FakeUpstream.manifest("1")
        upstream.push(manifest, as: "1")
        #expect(try await content.manifest(tagged: "1", in: "a")?.bytes == manifest.bytes)
        #expect(upstream.requests() == ["look up 1", "get \(manifest.digest)"])
        clock.advance(by: .seconds(59))
        #expect(try await content.manifest(tagged: "1", in: "a")?.bytes == manifest.bytes)
        #expect(try await content.descriptor(tagged: "1", in: "a") == manifest.descriptor)
        #expect(upstream.requests() == [])
        clock.advance(by: .seconds(1))
        #expect(try await content.manifest(tagged: "1", in: "a")?.bytes == manifest.bytes)
        #expect(upstream.requests() == ["look up 1"])
    }

    @Test(arguments: [true, false])
    func movedTagsAreSeenAtTheNextCheck(_ isHead: Bool) async throws {
        let old = try await cached()
        let new = try FakeUpstream.manifest("new")
        upstream.push(new, as: "1")
        #expect(try await content.descriptor(tagged: "1", in: "a")?.digest == old.digest)
        clock.advance(by: .seconds(60))
        if isHead {
            #expect(try await content.descriptor(tagged: "1", in: "a")?.digest == new.digest)
            #expect(upstream.requests() == ["look up 1"], "HEAD downloads nothing")
        }
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == new.digest)
        upstream.fail(Self.failures[2])
        #expect(try await restarted().manifest(tagged: "1", in: "a")?.digest == new.digest)
    }

    /// docker and containerd look a tag up by HEAD, and then get its digest.
    @Test func tagsThatWereOnlyLookedUpAreCachedToo() async throws {
        let manifest = try FakeUpstream.manifest("1")
        for tag in ["1", "latest"] { upstream.push(manifest, as: tag) }
        _ = try await content.descriptor(tagged: "1", in: "a")
        _ = try await content.manifest(manifest.digest, in: "a")
        // This one's manifest is there already.
        _ = try await content.descriptor(tagged: "latest", in: "a")
        upstream.fail(Self.failures[0])
        for tag in ["1", "latest"] {
            #expect(try await restarted().manifest(tagged: tag, in: "a")?.digest == manifest.digest)
        }
    }

    @Test func tagsThatAreGoneStayServed() async throws {
        let manifest = try await cached()
        upstream.remove(tag: "1")
        clock.advance(by: .seconds(60))
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(upstream.requests() == ["look up 1"])
        #expect(try await content.manifest(tagged: "2", in: "a") == nil)
    }

    /// A client that is told the new digest asks for it next, and would get nothing.
    @Test func aMovedTagThatCannotBeFetchedKeepsItsOldDigest() async throws {
        let old = try await cached()
        let new = try FakeUpstream.manifest("new")
        upstream.push(new, as: "1")
        clock.advance(by: .seconds(60))
        #expect(try await content.descriptor(tagged: "1", in: "a")?.digest == new.digest)
        upstream.fail(Self.failures[2])
        await #expect(throws: UpstreamFailure.self) { try await content.manifest(tagged: "2", in: "a") }
        #expect(try await content.descriptor(tagged: "1", in: "a")?.digest == old.digest)
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == old.digest)
    }

    // MARK: An upstream that is not well

    @Test(arguments: failures)
    func failuresAreNeverMissingContent(_ failure: UpstreamFailure) async throws {
        let manifest = try await cached()
        upstream.fail(failure)
        clock.advance(by: .seconds(60))
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(try await content.descriptor(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(try await content.tags(of: "a", TagsRequest()) == TagsPage(tags: ["1"]))
        let missing = Digest(of: [1])
        let calls: [() async throws -> Void] = [
            { [content] in _ = try await content.manifest(tagged: "2", in: "a") },
            { [content] in _ = try await content.descriptor(tagged: "2", in: "b") },
            { [content] in _ = try await content.manifest(missing, in: "a") },
            { [content] in _ = try await content.blob(missing, in: "a") },
            { [content] in _ = try await content.blobSize(missing, in: "a") },
            { [content] in _ = try await content.tags(of: "b", TagsRequest()) },
        ]
        for call in calls {
            let thrown = await #expect(throws: UpstreamFailure.self) { try await call() }
            #expect(thrown?.kind == failure.kind)
        }
    }

    @Test func pausesThatAreAskedForAreMade() async throws {
        let manifest = try await cached()
        upstream.fail(UpstreamFailure(.limited, "429", retryAfter: .seconds(90)))
        clock.advance(by: .seconds(60))
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(upstream.requests() == ["look up 1"])
        clock.advance(by: .seconds(89))
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        let thrown = await #expect(throws: UpstreamFailure.self) {
            try await content.manifest(tagged: "2", in: "a")
        }
        #expect(thrown?.kind == .limited && thrown?.retryAfter == .seconds(1))
        #expect(upstream.requests() == [])
        clock.advance(by: .seconds(1))
        upstream.fail(nil)
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(upstream.requests() == ["look up 1"])
    }

    @Test func silenceIsWaitedForOnce() async throws {
        let manifest = try await cached()
        _ = try await cached("2")
        clock.advance(by: .seconds(60))
        upstream.hold()
        async let first = content.manifest(tagged: "1", in: "a")
        await upstream.asked(1)
        await clock.sleepers(1)
        clock.advance(by: UpstreamHealth.patience)
        #expect(try await first?.digest == manifest.digest)
        for tag in ["1", "2"] { #expect(try await content.manifest(tagged: tag, in: "a") != nil) }
        #expect(upstream.requests() == ["look up 1"])
        upstream.release()
        await settle()
    }

    /// What takes long to parse says nothing about the upstream.
    @Test func theTimeForParsingIsNotTheUpstreams() async throws {
        _ = try await cached()
        let new = try FakeUpstream.manifest("large")
        upstream.push(new, as: "1")
        clock.advance(by: .seconds(60))
        upstream.parse { [clock] in clock.advance(by: .seconds(15)) }
        // The cached one, if it becomes too late.
        #expect(try await content.manifest(tagged: "1", in: "a") != nil)
        await settle()
        #expect(record.messages.allSatisfy { !$0.contains("failing") }, "\(record.messages)")
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == new.digest)
    }

    /// A tag's content is fetched in the place of what the tag was said to mean; whoever asks for that does not get it.
    @Test func aDigestIsNeverAnsweredWithTheContentOfATag() async throws {
        let manifest = try FakeUpstream.manifest("1")
        let missing = Digest(of: Array("missing".utf8))
        upstream.push(manifest, as: "1")
        upstream.claim(missing, for: "1")
        upstream.hold()
        async let byTag = content.manifest(tagged: "1", in: "a")
        await upstream.asked(1)
        upstream.release()
        await upstream.asked(2)
        async let byDigest = content.manifest(missing, in: "a")
        #expect(try await byTag?.digest == manifest.digest)
        #expect(try await byDigest == nil)
    }

    @Test func aSlowListKeepsNoTagFromBeingChecked() async throws {
        let manifest = try await cached()
        clock.advance(by: .seconds(60))
        upstream.hold()
        let list = Task { [content] in try await content.tags(of: "b", TagsRequest()) }
        await upstream.asked(1)
        await clock.sleepers(1)
        clock.advance(by: .seconds(15))
        await #expect(throws: UpstreamFailure.self) { try await list.value }
        upstream.release()
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(upstream.requests().contains("look up 1"))
        await settle()
    }

    /// It takes longer than clients are made to wait, each time.
    @Test func anAnswerThatComesLateCounts() async throws {
        let old = try await cached()
        let new = try FakeUpstream.manifest("new")
        upstream.push(new, as: "1")
        clock.advance(by: .seconds(60))
        for expected in [old, old] {
            upstream.hold()
            async let found = content.manifest(tagged: "1", in: "a")
            await upstream.asked(1)
            await clock.sleepers(1)
            clock.advance(by: UpstreamHealth.patience)
            #expect(try await found?.digest == expected.digest)
            upstream.release()
            await settle()
            _ = upstream.requests()
            clock.advance(by: .seconds(20))
        }
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == new.digest)
        #expect(upstream.requests() == [], "it was fetched after the clients had gone")
    }

    @Test func cachedContentWaitsForNothing() async throws {
        let manifest = try await cached()
        let bytes: [UInt8] = Array("a blob".utf8)
        upstream.push(blob: bytes)
        _ = try await content.blob(Digest(of: bytes), in: "a")
        await settle()
        while case .arriving? = try await content.blob(Digest(of: bytes), in: "a")?.bytes { await Task.yield() }
        _ = upstream.requests()
        upstream.hold()
        // More than there are threads for: the client has the half of them.
        let waiting = (0..<200).map { number in
            Task { [content] in try await content.manifest(tagged: "absent-\(number)", in: "a") }
        }
        let downloading = (0..<100).map { number in
            Task { [content] in try await content.blob(Digest(of: Array("\(number)".utf8)), in: "a") }
        }
        await upstream.asked(32)
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(try await content.manifest(manifest.digest, in: "a")?.digest == manifest.digest)
        #expect(try await content.blobSize(Digest(of: bytes), in: "a") == Int64(bytes.count))
        #expect(try await content.blob(Digest(of: bytes), in: "a")?.size == Int64(bytes.count))
        // Clients that go do not wait, and what was not begun for them never is.
        for task in waiting { task.cancel() }
        for task in downloading { task.cancel() }
        for task in waiting { await #expect(throws: CancellationError.self) { try await task.value } }
        for task in downloading { await #expect(throws: CancellationError.self) { try await task.value } }
        upstream.release()
        await settle()
        #expect(upstream.requests().count < 100)
    }

    @Test(arguments: failures)
    func cachedContentSurvivesARestart(_ failure: UpstreamFailure) async throws {
        let manifest = try await cached()
        upstream.fail(failure)
        let content = restarted()
        #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest)
        #expect(try await content.manifest(manifest.digest, in: "a")?.digest == manifest.digest)
        #expect(try await content.tags(of: "a", TagsRequest()) == TagsPage(tags: ["1"]))
    }

    // MARK: Content that is asked for by many, or is wrong

    @Test func manyWhoAskForOneTagShareOneRequest() async throws {
        let manifest = try FakeUpstream.manifest("1")
        upstream.push(manifest, as: "1")
        upstream.hold()
        let tasks = (0..<100).map { _ in Task { [content] in try await content.manifest(tagged: "1", in: "a") } }
        await clock.sleepers(100)
        upstream.release()
        for task in tasks { #expect(try await task.value?.digest == manifest.digest) }
        #expect(upstream.requests() == ["look up 1", "get \(manifest.digest)"])
    }

    /// A registry that converts manifests, or lies.
    @Test(arguments: [true, false])
    func aDigestThatTheUpstreamDoesNotKnowItselfIsPassedOver(_ isCached: Bool) async throws {
        let manifest = isCached ? try await cached() : try FakeUpstream.manifest("1")
        upstream.push(manifest, as: "1")
        upstream.claim(Digest(of: [1]), for: "1")
        clock.advance(by: .seconds(60))
        for _ in 0..<2 { #expect(try await content.manifest(tagged: "1", in: "a")?.digest == manifest.digest) }
        #expect(upstream.requests() == ["look up 1", "get \(Digest(of: [1]))", "get 1"])
    }

    @Test(arguments: ["", "{}", "no JSON"])
    func damagedManifestsAreFetchedAgain(_ damage: String) async throws {
        let manifest = try await cached()
        let hex = manifest.digest.hex
        try place.file("cache/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data", Array(damage.utf8))
        for _ in 0..<2 {
            #expect(try await content.manifest(tagged: "1", in: "a")?.bytes == manifest.bytes)
            #expect(try await content.manifest(manifest.digest, in: "a")?.bytes == manifest.bytes)
        }
        #expect(upstream.requests() == ["get \(manifest.digest)"])
    }

    @Test func blobsAreMeasuredWithoutADownload() async throws {
        let bytes = [UInt8](repeating: 7, count: 100_000)
        upstream.push(blob: bytes)
        #expect(try await content.blobSize(Digest(of: bytes), in: "a") == 100_000)
        #expect(try await content.blobSize(Digest(of: [1]), in: "a") == nil)
        #expect(upstream.requests() == ["look for blob", "look for blob"])
        #expect(try await content.blob(Digest(of: bytes), in: "a")?.size == 100_000)
        #expect(try await content.blob(Digest(of: [1]), in: "a") == nil)
    }

    /// Other bytes; more, or fewer, than are told.
    @Test(arguments: [([2, 3], 2), ([1, 2, 3, 4], 3), ([1, 2], 3), ([], 0), ([9], -1)] as [([UInt8], Int64)])
    func wrongBlobsAreNotKept(_ bytes: [UInt8], _ size: Int64) async throws {
        let digest = Digest(of: [1, 2, 3] as [UInt8])
        upstream.push(blob: bytes, as: digest, size: size)
        _ = try await content.blob(digest, in: "a")
        await settle()
        upstream.push(blob: [1, 2, 3])
        // The download that fails may still be listed.
        while record.messages.isEmpty { await Task.yield() }
        while case .arriving? = try await content.blob(digest, in: "a")?.bytes { await Task.yield() }
        #expect(try await content.blob(digest, in: "a")?.size == 3)
        #expect(record.messages.contains { $0.contains("\(digest)") })
    }

    // MARK: Lists

    @Test func listsAreTheUpstreamsOwn() async throws {
        _ = try await cached("b")
        for tag in ["a", "c", "d"] { upstream.push(try FakeUpstream.manifest(tag), as: tag) }
        let page = try await content.tags(of: "a", TagsRequest(count: 2))
        #expect(page == TagsPage(tags: ["a", "b"], next: TagsRequest(count: 2, last: "b")))
        #expect(upstream.requests() == ["list"])
        upstream.fail(Self.failures[1])
        #expect(try await content.tags(of: "a", TagsRequest(count: 2)) == TagsPage(tags: ["b"]))
        #expect(try await content.tags(of: "a", TagsRequest(count: 2)) == TagsPage(tags: ["b"]))
        #expect(upstream.requests() == ["list"])
    }
}
