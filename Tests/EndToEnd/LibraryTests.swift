import Foundation
import Testing

/// `samples/library` sees of DrayKit what other packages see.
struct LibraryTests {
    private static let sample = URL(filePath: Command.dray).deletingLastPathComponent()
        .appending(path: "dray-library-sample").path

    @Test func theSampleDoesWhatTheCommandsDo() throws {
        let workshop = try VolumeWorkshop()
        let copied = try workshop.shell(
            "'\(Self.sample)' oci:layout store && $DRAY ls -q store >names && $DRAY verify store")
        #expect(copied.status == 0, "\(copied.errors)")
        try workshop.expectWhole("store")
        let count = copied.lines.count { $0.hasSuffix("digest kept") }
        let named = try workshop.shell("wc -l <names").text.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(count > 1 && named == "\(count)", "\(copied.text)")
        #expect(copied.text.contains("blobs read, 0 damaged"), "\(copied.text)")
    }

    @Test func whatFailsIsSaidInWords() throws {
        let workshop = try VolumeWorkshop()
        let failed = try workshop.shell("'\(Self.sample)' oci:missing store")
        #expect(failed.status != 0)
        #expect(failed.errors.contains("no such file or directory"), "\(failed.errors)")
    }
}
