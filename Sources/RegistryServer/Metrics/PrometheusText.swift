/// Metrics in Prometheus' text format, version 0.0.4.
struct PrometheusText {
    private var lines: [String] = []

    var text: String { lines.joined(separator: "\n") + "\n" }

    /// Begins a family; its values follow.
    mutating func family(_ name: String, _ type: String, _ help: String) {
        lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }

    mutating func value(
        _ name: String, _ labels: [(name: String, value: String)], _ value: some CustomStringConvertible
    ) {
        lines.append("\(name)\(Self.written(labels)) \(value)")
    }

    mutating func histogram(
        _ name: String, _ labels: [(name: String, value: String)], _ histogram: Histogram
    ) {
        var total = 0
        for (bound, count) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
            total += count
            value("\(name)_bucket", labels + [("le", bound)], total)
        }
        value("\(name)_sum", labels, histogram.sum)
        value("\(name)_count", labels, total)
    }

    private static func written(_ labels: [(name: String, value: String)]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// Counts of values, by size.
struct Histogram {
    let bounds: [Double]
    /// One count for each bound, and one for all that is beyond.
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
