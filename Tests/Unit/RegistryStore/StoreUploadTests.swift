import ByteStreams
import Foundation
import ImageModel
import Testing

import RegistryStore

/// Uploads in a directory, over several requests.
struct StoreUploadTests {
    /// What arrived in one request is not read again by the next, whatever its size.
    @Test(arguments: [0, 1, 1 << 20, 20 << 20]) func hashesGoOn(_ size: Int) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = Store(path: directory.path, servesOthers: true)
        try store.prepare()
        let bytes = [UInt8](repeating: 7, count: size)
        let first = try StoreUpload.begin(in: "a/b", of: store)
        try bytes.withUnsafeBytes { whole in
            for start in stride(from: 0, to: size, by: 1 << 20) {
                let piece = UnsafeRawBufferPointer(rebasing: whole[start..<min(start + (1 << 20), size)])
                try first.append(piece)
                first.hash(piece)
            }
        }
        try first.pause()
        first.close()
        let second = try #require(try StoreUpload.resume(first.id, in: "a/b", of: store))
        let digest = Digest(of: bytes)
        #expect(second.size == size && !second.mustRead(for: digest))
        #expect(try second.commit(digest))
        #expect(try store.blobSize(digest, in: "a/b") == Int64(size))
        #expect(try StoreUpload.size(of: first.id, in: "a/b", store) == nil)
    }
}
