import ConfigurationFiles
import Testing

struct DurationTests {
    @Test(
        arguments: [
            ("0", .zero), ("168h", .seconds(604800)), ("1h30m", .seconds(5400)), ("500ms", .milliseconds(500)),
            ("1.5s", .milliseconds(1500)), (".5m", .seconds(30)), ("1.h", .seconds(3600)), ("-2m", .seconds(-120)),
            ("+3s", .seconds(3)), ("10us", .microseconds(10)), ("10µs", .microseconds(10)), ("7ns", .nanoseconds(7)),
            ("0s", .zero), ("1m0.000000001s", .nanoseconds(60_000_000_001)), ("2s1h", .seconds(3602)),
            ("0.123456789123s", .nanoseconds(123_456_789)), ("2562047h", .seconds(2_562_047 * 3600)),
        ] as [(String, Duration)])
    func reads(_ text: String, _ expected: Duration) {
        #expect(Duration(go: text) == expected)
    }

    @Test(arguments: [
        "", "1", "h", "1 h", "1d", "1h ", "-", "+", ".", ".s", "1.2.3s", "1H", "--1s", "9999999h",
        "99999999999999999999ns",
        "1h-2m", "٣s", "0x1s", "1e3s",
    ])
    func refuses(_ text: String) {
        #expect(Duration(go: text) == nil)
    }
}
