import Foundation
import ImageModel
import ObjectStorage
import Testing

/// What the OCI distribution specification, 1.1 and what was decided since, asks of a registry: each MUST and
/// SHOULD is a row. The rows are beside this file, by category, in words of their own.
///
/// All rows run over one served store, several at once, each in repositories of its own.
@Suite(.servedStore) struct ConformanceTests {
    @Test(arguments: ConformanceRow.general) func general(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.pull) func pull(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.pushBlobs) func pushBlobs(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.pushManifests) func pushManifests(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.tags) func tags(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.referrers) func referrers(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.management) func management(_ row: ConformanceRow) throws { try row.run() }

    @Test func everyRowHasANameOfItsOwn() {
        let rows =
            ConformanceRow.general + ConformanceRow.pull + ConformanceRow.pushBlobs + ConformanceRow.pushManifests
            + ConformanceRow.tags + ConformanceRow.referrers + ConformanceRow.management
        #expect(Set(rows.map(\.id)).count == rows.count)
    }
}

/// The same over a store in a bucket.
@Suite(.servedBucket) struct BucketConformanceTests {
    @Test(arguments: ConformanceRow.general) func general(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.pull) func pull(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.pushBlobs) func pushBlobs(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.pushManifests) func pushManifests(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.tags) func tags(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.referrers) func referrers(_ row: ConformanceRow) throws { try row.run() }
    @Test(arguments: ConformanceRow.management) func management(_ row: ConformanceRow) throws { try row.run() }
}

/// One rule.
struct ConformanceRow: Sendable, CustomTestStringConvertible {
    enum Level: String, Sendable { case must = "MUST", should = "SHOULD" }

    let id: String
    /// Of the specification.
    let section: String
    let level: Level
    let rule: String
    /// What docker-registry 2.8 does instead; nil where it keeps the rule.
    let original: Comment?
    let check: @Sendable (ConformanceStore) throws -> Void

    init(
        _ id: String, _ section: String, _ level: Level, _ rule: String, original: Comment? = nil,
        _ check: @escaping @Sendable (ConformanceStore) throws -> Void
    ) {
        (self.id, self.section, self.level, self.rule, self.original, self.check) = (
            id, section, level, rule, original, check
        )
    }

    var testDescription: String { "\(id) (\(section)): \(level.rawValue) \(rule)" }

    func run() throws {
        var store = try #require(ConformanceStore.current)
        store.name = "conformance/\(id)"
        try withKnownIssue(original) {
            try check(store)
        } when: {
            Server.Program.isOriginal && original != nil
        }
    }
}

/// What a row has to do with.
struct ConformanceStore: Sendable {
    @TaskLocal static var current: ConformanceStore?

    let api: Endpoint
    /// The same storage directory, served with deleting turned off.
    let fixed: Endpoint
    /// The inside of `storage.s3`; nil where the store is a directory.
    let bucket: String?
    /// The row's own repository; below it there may be more.
    var name = ""

    static let absent = "sha256:" + String(repeating: "f", count: 64)

    func manifest(_ tagOrDigest: String) -> String { "/v2/\(name)/manifests/\(tagOrDigest)" }
    func blob(_ digest: String) -> String { "/v2/\(name)/blobs/\(digest)" }

    /// Opens an upload in the row's repository.
    func start() throws -> String { try api.startUpload(in: name) }

    /// A manifest's bytes; everything is accepted.
    func get(_ tagOrDigest: String) throws -> HTTPResponse { try api.get(manifest(tagOrDigest), Self.acceptAll) }

    static let acceptAll = [TinyImage.oci, TinyImage.index, TinyImage.docker, TinyImage.dockerList].map {
        ("Accept", $0)
    }

    /// Pushes an OCI image of the row's own, as `1` unless told otherwise.
    @discardableResult
    func push(_ seed: String = "image", as tag: String? = "1", fields: String = "", configType: String? = nil) throws
        -> TinyImage
    {
        let image = TinyImage("\(name) \(seed)", type: TinyImage.oci, configType: configType, fields: fields)
        try api.push(image, to: name, as: tag)
        return image
    }

    /// Puts some manifest, and insists that it is taken.
    func put(_ bytes: [UInt8], _ type: String, as tagOrDigest: String) throws {
        let answer = try api.put(bytes, type, as: tagOrDigest, in: name)
        try #require(answer.status == 201, "\(answer.text)")
    }
}

/// Serves one store while a suite runs.
struct ServedStoreTrait: SuiteTrait, TestScoping {
    let isBucket: Bool

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        var settings = Server.Settings()
        let s3 = isBucket ? try S3Server(.ceph, scratch: scratch) : nil
        defer { withExtendedLifetime(s3) {} }
        if let s3 {
            try await Bucket(s3.options()).create()
            settings.bucket = s3.settings("conformance")
        }
        let server = try Server(settings, in: scratch)
        settings.allowsDeletion = false
        let fixed = try Server(settings, in: scratch)
        let store = ConformanceStore(api: Endpoint(server), fixed: Endpoint(fixed), bucket: settings.bucket)
        try await ConformanceStore.$current.withValue(store) { try await function() }
        #expect(server.isRunning && fixed.isRunning, "\(server.log)")
    }
}

extension Trait where Self == ServedStoreTrait {
    static var servedStore: Self { Self(isBucket: false) }
    static var servedBucket: Self { Self(isBucket: true) }
}
