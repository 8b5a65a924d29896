/// A version as tags tell it: `v1.2.3-rc.1`; `1.2` is `1.2.0`. Source: semver.org, 2.0.0.
///
/// A tag has no `+`, so there is no build; a leading `v` and leading zeros (`22.04`) are taken as people mean them.
package struct SemanticVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var major: Int
    package var minor: Int
    package var patch: Int
    /// `rc`, `1` of `-rc.1`; empty for a release.
    package var prerelease: [String]

    package init(_ major: Int, _ minor: Int = 0, _ patch: Int = 0, prerelease: [String] = []) {
        (self.major, self.minor, self.patch, self.prerelease) = (major, minor, patch, prerelease)
    }

    /// - Returns: nil for what is no version.
    package init?(_ text: some StringProtocol) {
        guard let parts = VersionParts(text), let major = parts.numbers.first else { return nil }
        self.init(
            major, parts.numbers.count > 1 ? parts.numbers[1] : 0, parts.numbers.count > 2 ? parts.numbers[2] : 0,
            prerelease: parts.prerelease)
    }

    package var isPrerelease: Bool { !prerelease.isEmpty }

    var release: SemanticVersion { SemanticVersion(major, minor, patch) }

    package var description: String {
        "\(major).\(minor).\(patch)" + (isPrerelease ? "-" + prerelease.joined(separator: ".") : "")
    }

    package static func < (one: SemanticVersion, other: SemanticVersion) -> Bool {
        let numbers = (one.major, one.minor, one.patch)
        let others = (other.major, other.minor, other.patch)
        if numbers != others { return numbers < others }
        // A release comes after all that leads up to it.
        if one.isPrerelease != other.isPrerelease { return one.isPrerelease }
        for (a, b) in zip(one.prerelease, other.prerelease) where a != b {
            switch (Int(a), Int(b)) {
            case (let a?, let b?) where a == b: continue
            case (let a?, let b?): return a < b
            case (_?, nil): return true
            case (nil, _?): return false
            case (nil, nil): return a < b
            }
        }
        if one.prerelease.count != other.prerelease.count { return one.prerelease.count < other.prerelease.count }
        // `01` and `1` are the same number, but two tags.
        return one.prerelease.lexicographicallyPrecedes(other.prerelease)
    }
}

/// A version of which parts may be missing.
struct VersionParts {
    /// One to three.
    var numbers: [Int]
    var prerelease: [String]

    /// - Parameter wildcards: whether `x` and `*` may stand for the rest.
    init?(_ text: some StringProtocol, wildcards: Bool = false) {
        var rest = Substring(text)
        if rest.first == "v" || rest.first == "V" { rest.removeFirst() }
        let dash = rest.firstIndex(of: "-")
        let words = rest[..<(dash ?? rest.endIndex)].split(separator: ".", omittingEmptySubsequences: false)
        guard (1...3).contains(words.count) else { return nil }
        numbers = []
        var isOpen = false
        for word in words {
            if wildcards, ["x", "X", "*"].contains(word) {
                isOpen = true
                continue
            }
            guard !isOpen, !word.isEmpty, word.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(word),
                number < Int.max
            else { return nil }
            numbers.append(number)
        }
        prerelease = []
        guard let dash else { return }
        guard !isOpen else { return nil }
        prerelease = rest[rest.index(after: dash)...].split(separator: ".", omittingEmptySubsequences: false).map(
            String.init)
        guard prerelease.allSatisfy({ !$0.isEmpty }) else { return nil }
    }
}
