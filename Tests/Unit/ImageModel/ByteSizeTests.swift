import ImageModel
import Testing

struct ByteSizeTests {
    @Test(
        arguments: [
            ("65536", 65536), ("1b", 1), ("512B", 512),
            // As they are printed on media: powers of 1000.
            ("4.7GB", 4_700_000_000), ("8.5 GB", 8_500_000_000), ("25gb", 25_000_000_000), ("1.44MB", 1_440_000),
            ("2TB", 2_000_000_000_000), ("4.38kB", 4380), ("0.001KB", 1), ("1PB", 1_000_000_000_000_000),
            // Powers of 1024, with or without a unit of IEC.
            ("4.7 GiB", 5_046_586_572), ("4.7G", 5_046_586_572), ("700M", 734_003_200), ("1.5T", 1_649_267_441_664),
            ("500k", 512_000), ("4Gi", 4_294_967_296), ("1KIB", 1024), ("0.5\tMiB", 524_288),
            ("7P", 7_881_299_347_898_368),
        ] as [(String, Int64)])
    func sizesAreReadToTheByte(_ text: String, _ bytes: Int64) throws {
        #expect(try ByteSize(text).bytes == bytes)
    }

    @Test(arguments: [
        ("4,7GB", "comma"), ("1,000", "comma"), ("", "not a size"), ("GB", "not a size"), ("-1M", "not a size"),
        (".5G", "not a size"), ("1.G", "not a size"), ("1.2.3G", "not a size"), ("4GX", "unknown unit"),
        ("10Mbit", "unknown unit"), ("4 G B", "unknown unit"), ("1iB", "unknown unit"), ("0x10", "unknown unit"),
        ("1e3", "unknown unit"), ("1.5", "fraction of a byte"), ("1.5B", "fraction of a byte"),
        ("0", "less than a byte"), ("0.0001KB", "less than a byte"), ("9999999999999999999", "too large"),
        ("8796093022208M", "too large"), ("9007199254740993P", "too large"),
    ])
    func whatIsNoSizeIsRefusedWithTheReason(_ text: String, _ words: String) {
        let error = #expect(throws: ImageError.self) { try ByteSize(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
