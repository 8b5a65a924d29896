import ByteStreams

/// Blocking work, off the cooperative pool.
enum Blocking {
    static func run<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
        try await Workers.blobs.run(body)
    }
}
