import ByteStreams
import Foundation
import ImageModel
import ImageTransfer
import RegistryClient
import Testing

/// The library, used by several at once.
struct OneUploadTests {
    @Test func aBlobTravelsOnceAtATime() async throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        var options = RegistryOptions()
        options.plainHTTP = true
        let destination = try RegistryClient.Registry(host: registry.address, options: options).destination(name: "app")
        let bytes = [UInt8](repeating: 7, count: 3 << 20)
        let target = BlobTarget(digest: Digest(of: bytes), size: Int64(bytes.count), repository: "app")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                        Thread.detachNewThread {
                            done.resume(
                                with: Result {
                                    let writer = try destination.writer(for: target)
                                    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
                                        try bytes[start..<start + (1 << 20)].withUnsafeBytes { try writer.write($0) }
                                        Thread.sleep(forTimeInterval: 0.1)
                                    }
                                    try writer.flush()
                                    try writer.commit(Digest(of: bytes))
                                })
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let sent = try registry.requests.filter { $0.method == "PUT" }
        #expect(sent.map(\.received) == [bytes.count], "\(sent)")
    }
}
