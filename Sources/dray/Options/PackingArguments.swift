import ArgumentParser
import ByteStreams
import DrayKit
import ImageLayouts

/// What `copy` packs beside whole archives: deltas and volumes; and what it takes for one.
struct PackingArguments: ParsableArguments {
    @Option(
        name: .customLong("have"), parsing: .singleValue,
        help: ArgumentHelp(
            "Pack a delta: leave out the layers that are in this inventory ('dray inventory'); may be repeated. For oci-archive: only.",
            valueName: "file"))
    var inventories: [String] = []

    @Option(
        name: .customLong("base"), parsing: .singleValue,
        help: ArgumentHelp(
            "Take blobs from here that the sources lack, such as what a delta builds on; may be repeated.",
            valueName: "reference"))
    var bases: [String] = []

    @Option(
        help: ArgumentHelp(
            "Cut the archive x.tar at blobs' borders into volumes x.001.tar and so on, of at most this size: 4.7GB (powers of 1000), 4GiB, 700M (powers of 1024). For oci-archive: only.",
            valueName: "size"),
        transform: { try ByteSize($0) })
    var volumeSize: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Write so many volumes more, which make up for as many lost ones ('dray recover'). With --volume-size.",
            valueName: "number"))
    var recoveryVolumes = 0

    @Option(
        help: ArgumentHelp(
            "Sign what is packed with this secret key of minisign, without password (minisign -G -W). For oci-archive: only.",
            valueName: "file"))
    var sign: String?

    func validate() throws {
        guard (0...254).contains(recoveryVolumes) else {
            throw ValidationError("--recovery-volumes goes from 0 to 254")
        }
        guard recoveryVolumes == 0 || volumeSize != nil else {
            throw ValidationError("--recovery-volumes needs --volume-size: it is volumes that are recovered")
        }
    }

    /// nil where nothing of the kind was asked for.
    func packing(_ console: Console) throws -> ArchivePacking? {
        guard !inventories.isEmpty || volumeSize != nil || sign != nil else { return nil }
        var packing = ArchivePacking()
        packing.have = try inventories.map { try Self.inventory($0) }
        packing.volumeSize = volumeSize?.bytes
        packing.recoveryVolumes = recoveryVolumes
        if let sign { packing.signingKey = try Self.key(sign, console) }
        return packing
    }

    private static func key(_ path: String, _ console: Console) throws -> SigningKey {
        guard let bytes = try TextFile.read(path, limit: 64 << 10) else {
            throw ImageError.notFound("there is no key \(path): 'minisign -G -W' makes one")
        }
        if try isReadableByOthers(path) {
            console.note(Printable.line("\(path) can be read by others, and whoever has it can sign: chmod 600 it"))
        }
        return try SigningKey(bytes, name: path)
    }

    private static func inventory(_ path: String) throws -> Inventory {
        guard try fileKind(path) != nil else {
            throw ImageError.notFound("there is no inventory \(path): 'dray inventory' on the far side makes one")
        }
        let text = try TextFile.stream(
            FileSource(OpenFile(reading: path)), limit: Document.sizeLimit << 4, name: path)
        return try Inventory(reading: text, name: path)
    }
}
