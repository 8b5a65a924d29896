public import ArgumentParser
public import ImageModel
public import ImageTransfer

extension CopyOptions.OnExisting: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

extension Platform: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension Digest: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

/// `keep`, or what layers are compressed with and how hard.
struct CompressionArgument: ExpressibleByArgument, Sendable {
    let choice: CompressionChoice
    let level: Int?

    init?(argument: String) {
        guard let parsed = CompressionChoice.parse(argument.lowercased()) else { return nil }
        (choice, level) = parsed
    }

    static var allValueStrings: [String] { ["keep", "gzip[:1-9]", "zstd[:1-19]", "none"] }
}

/// What becomes of the family of manifests.
enum ManifestFormatArgument: String, CaseIterable, ExpressibleByArgument, Sendable {
    case keep
    case docker
    case oci

    init?(argument: String) {
        // skopeo's name.
        let word = argument.lowercased()
        guard let format = word == "v2s2" ? .docker : Self(rawValue: word) else { return nil }
        self = format
    }

    var format: ManifestFormat? { ManifestFormat(rawValue: rawValue) }
}

/// Yes or no, in any of the words for it.
enum SwitchArgument {
    /// - Throws: `ValidationError` with the form that is understood.
    static func read(_ text: String) throws -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1", "t", "y": return true
        case "false", "no", "off", "0", "f", "n": return false
        default: throw ValidationError("expected true or false")
        }
    }
}

/// A time as Go writes it (`1h30m`, `90s`, `500ms`), with `d` for days; a plain number is seconds.
struct TimeArgument: CustomStringConvertible, Sendable {
    let duration: Duration

    var description: String { "\(duration.components.seconds)s" }

    /// - Throws: `ValidationError` with the form that is understood.
    static func read(_ text: String) throws -> TimeArgument {
        guard let time = TimeArgument(argument: text) else {
            throw ValidationError("expected a time, such as 90s, 5m or 1h30m; a plain number is seconds")
        }
        return time
    }

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        if let seconds = Int64(argument), seconds >= 0, seconds < 1 << 40 {
            duration = .seconds(seconds)
            return
        }
        let units = [
            "ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604_800,
        ]
        var total = 0.0
        var rest = argument[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let number = Double(digits), let factor = units[String(unit)] else { return nil }
            total += number * factor
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard total < 1e12 else { return nil }
        duration = .seconds(total)
    }
}
