import ByteStreams
import ImageModel
import NIOCore
import Synchronization

/// The outcome of a conditional write.
package enum ConditionalWrite: Sendable {
    /// The object was missing and has been written.
    case written
    /// There is one already; nothing was written.
    case exists
}

extension Bucket {
    /// Objects up to this size are compared when a lost answer leaves open who wrote them.
    private static let comparisonLimit = 1 << 20

    /// Writes an object unless there is one of this key.
    ///
    /// After a lost answer, the object's bytes decide: if they are the ones sent here, this call has written them. Content
    /// that has to tell writers apart needs something unique in it.
    ///
    /// - Throws: `ImageError.refused` where the server is known not to honour such writes; see `probeIfAbsent`.
    package func put(ifAbsent key: String, _ bytes: [UInt8]) async throws -> ConditionalWrite {
        guard honoursIfAbsent.withLock({ $0 }) != false else { throw unsupportedCondition }
        var request = putRequest(key, ByteBuffer(bytes: bytes))
        request.headers.append(("if-none-match", "*"))
        request.accepts = [412, 501]
        let outcome: (write: ConditionalWrite, isRepeated: Bool) = try await sender.send(request) { answer in
            switch answer.status {
            case 412:
                try await answer.finish()
                return (.exists, answer.isRepeated)
            case 501:
                try await answer.finish()
                self.honoursIfAbsent.withLock { $0 = false }
                throw self.unsupportedCondition
            default:
                try await answer.finish()
                return (.written, false)
            }
        }
        guard outcome.isRepeated, bytes.count <= Self.comparisonLimit,
            let info = try await head(key), info.size == bytes.count,
            try await self.bytes(key, limit: Self.comparisonLimit) == bytes
        else { return outcome.write }
        return .written
    }

    private var unsupportedCondition: ImageError {
        .refused(
            "bucket \(name): the server does not support conditional writes (If-None-Match); "
                + "make sure that only one process writes at a time")
    }

    /// Finds out whether of several writers that must not overwrite each other exactly one succeeds, by having four write
    /// at once. The outcome is remembered.
    ///
    /// - Parameter prefix: of the key that is written and removed for this.
    package func probeIfAbsent(prefix: String) async throws -> Bool {
        if let known = honoursIfAbsent.withLock({ $0 }) { return known }
        let key = prefix + "conditional-write-probe-\(UInt64.random(in: 0 ... .max))"
        let outcomes: [ConditionalWrite?]
        do {
            outcomes = try await (0..<4).map { $0 }.mapConcurrently(limit: 4) { writer in
                do {
                    return try await self.put(ifAbsent: key, Array("writer \(writer)".utf8))
                } catch let error as ImageError where error.code == .refused {
                    return nil
                }
            }
        } catch {
            try? await delete(key)
            throw error
        }
        try await delete(key)
        let isHonoured = !outcomes.contains(nil) && outcomes.count { $0 == .written } == 1
        honoursIfAbsent.withLock { $0 = isHonoured }
        return isHonoured
    }
}
