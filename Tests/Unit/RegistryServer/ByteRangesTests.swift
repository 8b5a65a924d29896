import RegistryServer
import Testing

/// `Range` headers, of content of 100 bytes unless told otherwise.
struct ByteRangesTests {
    @Test(
        arguments: [
            ("bytes=0-0", [0..<1]),
            ("bytes=90-", [90..<100]),
            ("bytes=-10", [90..<100]),
            ("bytes=-500", [0..<100]),
            ("bytes=0-99999999999999999999999", [0..<100]),
            ("bytes=-99999999999999999999999", [0..<100]),
            ("Bytes=5-6", [5..<7]),
            ("bytes= 0-1 ,\t5-6", [0..<2, 5..<7]),
            ("bytes=,0-1,,5-6,", [0..<2, 5..<7]),
            // In the order of the header, and not merged: podman counts the parts.
            ("bytes=50-59,0-9", [50..<60, 0..<10]),
            ("bytes=0-9,10-19,5-14", [0..<10, 10..<20, 5..<15]),
            ("bytes=0-1,0-1", [0..<2, 0..<2]),
            // Those beyond the end are left out.
            ("bytes=100-200,0-1", [0..<2]),
            ("bytes=0-1,-0,500-,98-105", [0..<2, 98..<100]),
        ] as [(String, [Range<Int64>])])
    func givesTheParts(_ header: String, _ expected: [Range<Int64>]) {
        #expect(ByteRanges(header, size: 100) == .parts(expected))
    }

    @Test(arguments: ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=200-,300-400", "bytes=99999999999999999999-"])
    func beyondTheEndIsUnsatisfiable(_ header: String) {
        #expect(ByteRanges(header, size: 100) == .unsatisfiable)
    }

    @Test(arguments: [
        "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-1,x", "bytes=1 0-20", "bytes=0--1",
        "bytes=+0-1", "bytes", "bytes =0-1", "=0-1", "",
    ])
    func nonsenseIsMalformed(_ header: String) {
        #expect(ByteRanges(header, size: 100) == .malformed)
    }

    /// A unit that is not known has to be ignored.
    @Test(arguments: [nil, "items=0-5", "lines=1", "x-y=z"])
    func withoutRangesItIsEverything(_ header: String?) {
        #expect(ByteRanges(header, size: 100) == .whole)
    }

    @Test(arguments: ["bytes=0-", "bytes=0-5", "bytes=-5", "bytes=7-9,11-"])
    func anyRangeOfAnEmptyBlobIsTheWhole(_ header: String) {
        #expect(ByteRanges(header, size: 0) == .whole)
    }

    @Test(arguments: [1, 2, 33, 200, 1000, 1024])
    func manyRangesAreAllThere(_ count: Int) {
        let ranges = (0..<count).map { Int64($0) * 2_000_000_000..<Int64($0) * 2_000_000_000 + 10 }
        let header = "bytes=" + ranges.map { "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ",")
        #expect(ByteRanges(header, size: 1 << 42) == .parts(ranges))
    }

    /// No answer is larger than the content and the texts between the parts.
    @Test func answersAreBounded() {
        func header(_ range: String, _ count: Int) -> String {
            "bytes=" + Array(repeating: range, count: count).joined(separator: ",")
        }
        #expect(ByteRanges(header("0-", 2), size: 100) == .whole)
        #expect(ByteRanges(header("0-50", 2), size: 100) == .whole)
        #expect(ByteRanges(header("0-0", 1025), size: 1 << 40) == .whole)
        #expect(ByteRanges(header("0-", 10_000), size: .max / 2) == .whole)
        guard case .parts(let parts) = ByteRanges(header("0-9", 10), size: 100) else {
            Issue.record("ten tenths are not sent as parts")
            return
        }
        #expect(parts.count == 10)
    }
}
