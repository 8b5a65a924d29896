import ByteStreams
import ImageModel

/// Stores compressed bytes as they are, and inflates them on the side to see which layer they are.
enum DiffIDCheck {
    /// Reads `bytes` to the end, writes all of them to `sink`, and hashes what they inflate to.
    ///
    /// - Returns: the diffID, or what is wrong with the compressed bytes, which may be nobody's layer.
    static func pump(
        _ bytes: any ByteSource, format: CompressionFormat, into sink: any ByteSink, limit: InflationLimit,
        title: String
    ) throws -> Result<Digest, any Error> {
        // Writes what is read from it.
        let tee = ReadingSource { buffer in
            let count = try bytes.read(into: buffer)
            if count > 0 { try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
            return count
        }
        let result: Result<Digest, any Error>
        do {
            let inflated = HashingSource(try InflatingSource(tee, format: format, limit: limit, name: title))
            _ = try inflated.drain()
            result = .success(inflated.digest())
        } catch let error as ImageError where error.code == .damaged || error.code == .limit {
            result = .failure(error)
        }
        _ = try tee.drain()
        return result
    }

    /// - Throws: if it is not what the image's config says.
    static func compare(_ found: Result<Digest, any Error>, with diffID: Digest, title: String) throws {
        let found = try found.get()
        guard found == diffID else {
            throw ImageError.damaged(
                "\(title), inflated, is damaged: its digest is \(found), expected was \(diffID)")
        }
    }
}
