import ByteStreams
import ImageModel
import ImageTransfer

/// The tars that an archive is written into: one, or of a set as many as it takes.
///
/// Used by one blob at a time, like ArchiveOutput. No volume gets its name before all are written.
final class ArchiveVolumes {
    private let path: (_ volume: Int) -> String
    /// Where the blobs of a volume have to end; `.max` where there is one tar only.
    let end: Int64
    /// Where the first blob of a volume begins.
    private(set) var firstOffset: Int64 = 0
    private var outputs: [ArchiveOutput] = []
    /// What is in each.
    private(set) var contents: [PackingList.Volume] = []

    /// - Parameter path: of a volume, from 1.
    /// - Throws: `ImageError.io`, `ImageError.refused` if the first cannot be written.
    init(end: Int64 = .max, path: @escaping (_ volume: Int) -> String) throws {
        self.path = path
        self.end = end
        try startNext()
    }

    var count: Int { outputs.count }
    var output: ArchiveOutput { outputs[outputs.count - 1] }
    func output(_ volume: Int) -> ArchiveOutput { outputs[volume] }

    /// Bytes that still go into the volume at hand.
    var room: Int64 { end == .max ? .max : max(0, end - output.position) }
    /// Bytes of the largest member that a volume holds, with its header.
    var largest: Int64 { end == .max ? .max : end - firstOffset }

    func startNext() throws {
        guard count < PackingList.volumeLimit else {
            throw ImageError.refused(
                "this would take more than the \(PackingList.volumeLimit) volumes that a set has at most: choose a larger "
                    + "--volume-size")
        }
        let output = try ArchiveOutput(path: path(count + 1))
        outputs.append(output)
        contents.append(PackingList.Volume())
        try output.directory("blobs")
        try output.directory("blobs/sha256")
        firstOffset = output.position
    }

    /// Takes away what was begun after a volume.
    func drop(after volume: Int) {
        while count > volume + 1 {
            outputs.removeLast().cancel()
            contents.removeLast()
        }
    }

    func note(_ blob: BlobRecord, in volume: Int) { contents[volume].blobs.append(blob) }
    func note(_ part: PackingList.Part, in volume: Int) { contents[volume].parts.append(part) }

    var isBroken: Bool { outputs.contains(where: \.isBroken) }

    /// Ends the tars, so that their bytes are final.
    func close() throws { for output in outputs { try output.close() } }
    /// Gives them their names.
    func commit(mayReplace: Bool) throws { for output in outputs { try output.commit(mayReplace: mayReplace) } }
    func cancel() { for output in outputs { output.cancel() } }
}

extension ArchiveVolumes {
    /// What was written, and which blobs had to be cut.
    func advice(_ names: VolumeNames, recoveryVolumes: Int) -> [String] {
        let first = lastComponent(of: names.volume(1))
        var advice = [
            count == 1
                ? "the set is 1 volume: \(first)"
                : "the set is \(count) volumes: \(first) to \(lastComponent(of: names.volume(count)))"
        ]
        if recoveryVolumes > 0 {
            advice[0] +=
                ", and for recovery \(recoveryVolumes == 1 ? "" : "\(recoveryVolumes), from ")"
                + lastComponent(of: names.recovery(1))
        }
        var cut: [String] = []
        for part in contents.flatMap(\.parts) where part.offset == 0 { cut.append(part.blob.description) }
        if !cut.isEmpty {
            advice.append(
                "larger than a volume, and cut: \(cut.prefix(3).joined(separator: ", "))"
                    + (cut.count > 3 ? " and \(cut.count - 3) more" : ""))
        }
        return advice
    }
}
