/// The bytes by which the format of a file is known that is no image archive.
struct FileSignature: Sendable {
    let kind: String
    /// The next step; `FILE` stands for the file.
    let advice: String
    private let offset: Int
    private let marks: [[UInt8]]

    /// - Parameter marks: of which one is there.
    private init(_ kind: String, bytes marks: [[UInt8]], at offset: Int = 0, _ advice: String) {
        (self.kind, self.marks, self.offset, self.advice) = (kind, marks, offset, advice)
    }

    private init(_ kind: String, _ marks: [String], at offset: Int = 0, _ advice: String) {
        self.init(kind, bytes: marks.map { Array($0.utf8) }, at: offset, advice)
    }

    func matches(_ start: [UInt8]) -> Bool {
        start.count > offset && marks.contains { start[offset...].starts(with: $0) }
    }

    /// Sources: the formats' specifications, and the `magic` files of file(1).
    static let all = archives + compressed + encrypted + disks + programs + documents

    private static func unpacked(_ command: String) -> String {
        "unpack it, and name the archive that is in it: \(command)"
    }

    private static let archives = [
        FileSignature("a zip archive", ["PK\u{3}\u{4}", "PK\u{5}\u{6}", "PK\u{7}\u{8}"], unpacked("unzip FILE")),
        FileSignature("a 7z archive", bytes: [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]], unpacked("7z x FILE")),
        FileSignature("a RAR archive", ["Rar!\u{1a}\u{7}"], unpacked("unrar x FILE")),
        FileSignature("a cpio archive", ["070701", "070702", "070707"], unpacked("cpio -id < FILE")),
        FileSignature("a cpio archive", bytes: [[0xc7, 0x71], [0x71, 0xc7]], unpacked("cpio -id < FILE")),
        FileSignature("a cabinet archive", ["MSCF\0\0\0\0"], unpacked("cabextract FILE")),
        FileSignature("a xar archive", ["xar!"], unpacked("xar -xf FILE")),
    ]

    private static func decompressed(_ command: String) -> String { "decompress it first: \(command) > image.tar" }

    private static let compressed = [
        FileSignature(
            "lz4 data", bytes: [[0x04, 0x22, 0x4d, 0x18], [0x02, 0x21, 0x4c, 0x18]], decompressed("lz4 -dc FILE")),
        FileSignature("lzip data", ["LZIP"], decompressed("lzip -dc FILE")),
        FileSignature(
            "lzop data", bytes: [[0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]],
            decompressed("lzop -dc FILE")),
        FileSignature("data of compress", bytes: [[0x1f, 0x9d], [0x1f, 0xa0]], decompressed("gzip -dc FILE")),
        FileSignature("lzma data", bytes: [[0x5d, 0x00, 0x00]], decompressed("xz --format=lzma -dc < FILE")),
        FileSignature(
            "snappy data", bytes: [[0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]],
            decompressed("snzip -dc FILE")),
        FileSignature(
            "zstd or lz4 data that begins with a skippable frame",
            bytes: (UInt8(0x50)...0x5f).map { [$0, 0x2a, 0x4d, 0x18] }, decompressed("zstd -dc FILE")),
    ]

    private static let encrypted = [
        FileSignature("data encrypted with openssl enc", ["Salted__"], "decrypt it first with openssl enc -d"),
        FileSignature(
            "data encrypted with age", ["age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE-----"],
            "decrypt it first: age -d -o image.tar FILE"),
        FileSignature(
            "a PGP message", ["-----BEGIN PGP MESSAGE-----"], "decrypt it first: gpg -o image.tar -d FILE"),
        FileSignature(
            "a LUKS volume", bytes: [[0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe]],
            "open it first: cryptsetup open FILE NAME"),
    ]

    private static let disks = [
        FileSignature("an image of Singularity or Apptainer (SIF)", ["SIF_MAGIC"], at: 32, ForeignFile.saveAnew),
        FileSignature("a squashfs file system", ["hsqs", "sqsh"], ForeignFile.saveAnew),
        FileSignature("an erofs file system", bytes: [[0xe2, 0xe1, 0xf5, 0xe0]], at: 1024, ForeignFile.saveAnew),
        FileSignature("an ext file system", bytes: [[0x53, 0xef]], at: 1080, ForeignFile.saveAnew),
        FileSignature("an XFS file system", ["XFSB"], ForeignFile.saveAnew),
        FileSignature("a qcow2 disk image", bytes: [[0x51, 0x46, 0x49, 0xfb]], ForeignFile.saveAnew),
        FileSignature("a VMDK disk image", ["KDMV", "# Disk DescriptorFile"], ForeignFile.saveAnew),
        FileSignature("a VHD disk image", ["vhdxfile", "conectix"], ForeignFile.saveAnew),
        FileSignature("a VirtualBox disk image", bytes: [[0x7f, 0x10, 0xda, 0xbe]], at: 64, ForeignFile.saveAnew),
        FileSignature(
            "an ISO image", ["CD001"], at: 32769,
            "mount it, and name the archive that is in it: mount -o loop,ro FILE DIR"),
        FileSignature("a disk image", ["EFI PART"], at: 512, ForeignFile.saveAnew),
        FileSignature("a disk image", bytes: [[0x55, 0xaa]], at: 510, ForeignFile.saveAnew),
    ]

    private static let programs = [
        FileSignature("an ELF program or library", bytes: [[0x7f, 0x45, 0x4c, 0x46]], ForeignFile.saveAnew),
        FileSignature(
            "a Windows program",
            bytes: [[0x4d, 0x5a, 0x90, 0x00], [0x4d, 0x5a, 0x78, 0x00], [0x4d, 0x5a, 0x50, 0x00]], ForeignFile.saveAnew),
        FileSignature(
            "a macOS program or Java class",
            bytes: [[0xcf, 0xfa, 0xed, 0xfe], [0xce, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]], ForeignFile.saveAnew),
        FileSignature("a WebAssembly module", bytes: [[0x00, 0x61, 0x73, 0x6d]], ForeignFile.saveAnew),
        FileSignature("a Debian package or another ar archive", ["!<arch>\n"], ForeignFile.saveAnew),
        FileSignature("an RPM package", bytes: [[0xed, 0xab, 0xee, 0xdb]], ForeignFile.saveAnew),
    ]

    private static let documents = [
        FileSignature("a PDF document", ["%PDF-"], ForeignFile.saveAnew),
        FileSignature("a SQLite database", ["SQLite format 3\0"], ForeignFile.saveAnew),
        FileSignature(
            "a PNG picture", bytes: [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]], ForeignFile.saveAnew),
        FileSignature("a JPEG picture", bytes: [[0xff, 0xd8, 0xff]], ForeignFile.saveAnew),
    ]
}
