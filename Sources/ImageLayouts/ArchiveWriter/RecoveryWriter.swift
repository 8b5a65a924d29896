import ByteStreams
import ImageModel
import ImageTransfer
import TarArchive

/// Writes the recovery volumes of a set whose volumes have just been written.
struct RecoveryWriter {
    let count: Int
    let path: (_ number: Int) -> String

    /// - Parameter files: that stand in every volume of the set.
    /// - Returns: the volumes, ended and without names yet.
    func write(
        _ volumes: ArchiveVolumes, set: Digest, files: (_ volume: Int) throws -> [ArchiveFile]
    ) throws -> [ArchiveOutput] {
        let data = (0..<volumes.count).map { volumes.output($0) }
        let length = data.map(\.position).max() ?? 0
        let code = try ErasureCode(data: data.count, parity: count)
        let outputs = try (1...count).map { try ArchiveOutput(path: path($0)) }
        do {
            for output in outputs {
                try output.write(TarFormat.header(path: RecoveryFile.parityPath, size: length, isDirectory: false))
            }
            let reader = ShardReader(
                try data.map { try $0.written(from: 0, length: $0.position) }, length: length, others: count)
            let buffers = outputs.map { _ in
                UnsafeMutableRawBufferPointer.allocate(byteCount: reader.stripeSize, alignment: 64)
            }
            defer { for buffer in buffers { buffer.deallocate() } }
            var hashers = outputs.map { _ in DigestHasher(.sha256) }
            try reader.forEachStripe { stripes in
                let parity = buffers.map { UnsafeMutableRawBufferPointer(rebasing: $0[..<stripes[0].count]) }
                code.run(stripes, parity)
                for position in outputs.indices {
                    hashers[position].update(UnsafeRawBufferPointer(parity[position]))
                    try outputs[position].write(UnsafeRawBufferPointer(parity[position]))
                }
            }
            let records = reader.records
            for (position, output) in outputs.enumerated() {
                try output.write(TarFormat.padding(after: length))
                try output.write(files(data.count + position + 1))
                let file = RecoveryFile(
                    set: set, number: position + 1, recoveryVolumes: count,
                    parity: BlobRecord(digest: hashers[position].finalize(), size: length), volumes: records)
                try output.file(RecoveryFile.path, Document.encode(file))
                try output.close()
            }
            return outputs
        } catch {
            for output in outputs { output.cancel() }
            throw error
        }
    }
}
