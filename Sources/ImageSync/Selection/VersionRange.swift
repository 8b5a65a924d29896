/// Versions that are wanted: `>=1.2 <2`, `^1.2.3`, `~1.2`, `1.x`, `1.2 - 1.4`, `*`, and several with `||`.
///
/// Source: node-semver, "Ranges". As there, a prerelease is in a range only where one of the same three numbers is
/// named in it: `>=1.2.0-rc.1` has `1.2.0-rc.2`, and not `1.3.0-rc.1`.
package struct VersionRange: Hashable, Sendable, CustomStringConvertible {
    private enum Relation: Hashable, Sendable { case below, upTo, above, from, exactly }

    private struct Bound: Hashable, Sendable {
        var relation: Relation
        var version: SemanticVersion

        func holds(_ other: SemanticVersion) -> Bool {
            switch relation {
            case .below: other < version
            case .upTo: other <= version
            case .above: other > version
            case .from: other >= version
            case .exactly: other == version
            }
        }
    }

    /// As it was written.
    package let description: String
    /// One of these has to hold, in all of its bounds.
    private var choices: [[Bound]] = []

    /// - Returns: nil for what is no range.
    package init?(_ text: String) {
        description = text
        guard text.utf8.count <= 1000 else { return nil }
        var rest = text[...]
        while let bars = rest.firstRange(of: "||") {
            guard let bounds = Self.bounds(rest[..<bars.lowerBound]) else { return nil }
            choices.append(bounds)
            rest = rest[bars.upperBound...]
        }
        guard let bounds = Self.bounds(rest) else { return nil }
        choices.append(bounds)
    }

    package func contains(_ version: SemanticVersion) -> Bool {
        choices.contains { bounds in
            guard bounds.allSatisfy({ $0.holds(version) }) else { return false }
            return !version.isPrerelease
                || bounds.contains { $0.version.isPrerelease && $0.version.release == version.release }
        }
    }

    /// One choice: bounds with blanks or commas between them.
    private static func bounds(_ text: Substring) -> [Bound]? {
        let words = text.split(whereSeparator: { $0.isWhitespace || $0 == "," }).map(String.init)
        guard !words.isEmpty else { return nil }
        if words.count == 3, words[1] == "-" {
            guard let low = bounds(">=", words[0]), let high = bounds("<=", words[2]) else { return nil }
            return low + high
        }
        var all: [Bound] = []
        var relation = ""
        for word in words {
            let sign = word.prefix { "<>=^~".contains($0) }
            let rest = word.dropFirst(sign.count)
            guard relation.isEmpty || sign.isEmpty else { return nil }
            relation += sign
            // The sign and its version may stand apart.
            if rest.isEmpty { continue }
            guard let found = bounds(relation, rest) else { return nil }
            all += found
            relation = ""
        }
        return relation.isEmpty ? all : nil
    }

    private static func bounds(_ relation: String, _ text: some StringProtocol) -> [Bound]? {
        guard let parts = VersionParts(text, wildcards: true) else { return nil }
        let numbers = parts.numbers
        /// The first version with these numbers, and the first beyond them all.
        let low = version(numbers, prerelease: parts.prerelease)
        func beyond(_ count: Int) -> Bound? {
            guard count > 0 else { return nil }
            var next = Array(numbers.prefix(count))
            next[count - 1] += 1
            return Bound(relation: .below, version: version(next))
        }
        let from = Bound(relation: .from, version: low)
        let isWhole = numbers.count == 3
        switch relation {
        case "", "=":
            if isWhole { return [Bound(relation: .exactly, version: low)] }
            return [from] + [beyond(numbers.count)].compactMap { $0 }
        case "^":
            // Up to the first number that is not 0, if it is there.
            let count = numbers.firstIndex { $0 > 0 }.map { $0 + 1 } ?? numbers.count
            return [from] + [beyond(count)].compactMap { $0 }
        case "~": return [from] + [beyond(min(2, numbers.count))].compactMap { $0 }
        case ">=": return [from]
        case "<": return numbers.isEmpty ? nil : [Bound(relation: .below, version: low)]
        case ">":
            if isWhole { return [Bound(relation: .above, version: low)] }
            return beyond(numbers.count).map { [Bound(relation: .from, version: $0.version)] }
        case "<=":
            if isWhole { return [Bound(relation: .upTo, version: low)] }
            return beyond(numbers.count).map { [$0] } ?? [from]
        default: return nil
        }
    }

    private static func version(_ numbers: [Int], prerelease: [String] = []) -> SemanticVersion {
        SemanticVersion(
            numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0, numbers.count > 2 ? numbers[2] : 0,
            prerelease: prerelease)
    }
}
