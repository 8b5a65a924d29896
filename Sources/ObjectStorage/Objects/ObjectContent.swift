import ByteStreams

/// The bytes of an object, or of a range of it, as they arrive.
///
/// Broken connections are resumed where they broke. An end before the announced length is an error, and so is an object
/// that is replaced meanwhile.
package final class ObjectContent: ByteSource, Sendable {
    /// The object as a whole.
    package let info: ObjectInfo
    /// Bytes of this content.
    package let length: Int64
    private let window = BodyWindow()
    private let task: Task<Void, Never>

    init(_ download: Download, _ answer: Answer) {
        info = download.info
        length = download.range.upperBound - download.range.lowerBound
        let window = window
        task = Task {
            do {
                try await download.run(answer) { await window.put($0) }
                window.end(.success(()))
            } catch {
                window.end(.failure(error))
            }
        }
    }

    deinit {
        task.cancel()
        window.abandon()
    }

    /// - Throws: `ImageError`.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        buffer.isEmpty ? 0 : try window.read(into: buffer)
    }
}
