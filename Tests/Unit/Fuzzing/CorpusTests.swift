import Foundation
import FuzzTargets
import Testing

/// Every parser of outside bytes over its corpus, and over what can be made of that: `Tests/fuzz` goes on from there.
struct CorpusTests {
    private static let corpus = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzzing/Corpus")
    private static let isLong = ProcessInfo.processInfo.environment["DRAY_TESTS_LONG"] != nil
    /// Bytes of what is made large.
    private static let large = 128 << 10

    private static func files(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let directory = corpus.appending(path: target.name)
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map { name in
            ("\(target)/\(name)", [UInt8](try Data(contentsOf: directory.appending(path: name))))
        }
    }

    @Test func everyCorpusHasItsTarget() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(Set(names) == Set(FuzzTarget.all.map(\.name)))
    }

    @Test(arguments: FuzzTarget.all)
    func keepsItsPromises(_ target: FuzzTarget) throws {
        for file in try Self.files(of: target) { check(target, file.bytes, file.name) }
    }

    @Test(arguments: FuzzTarget.all)
    func keepsItsPromisesAboutChangedBytes(_ target: FuzzTarget) throws {
        let files = try Self.files(of: target)
        var mutator = Mutator(files.map(\.bytes), seed: 1)
        for number in 0..<(Self.isLong ? 20_000 : 1000) { check(target, mutator.next(), "\(target), change \(number)") }
    }

    /// What is parsed quickly, and much of it, too.
    @Test(arguments: FuzzTarget.all)
    func takesNoTimeThatGrowsFasterThanTheBytes(_ target: FuzzTarget) throws {
        let files = try Self.files(of: target)
        var mutator = Mutator(files.map(\.bytes), seed: 2)
        for number in 0..<(Self.isLong ? 200 : 5) {
            check(target, mutator.large(Self.large), "\(target), large \(number)")
        }
    }

    private func check(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String) {
        let taken = processorTime {
            do {
                try target.run(bytes)
            } catch {
                Issue.record("\(name): \(error): base64 \(Data(bytes.prefix(8192)).base64EncodedString())")
            }
        }
        #expect(taken < .seconds(1), "\(name), \(bytes.count) bytes")
    }
}
