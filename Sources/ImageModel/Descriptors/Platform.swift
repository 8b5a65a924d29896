/// What an image runs on, as an index or a config names it.
public struct Platform: Hashable, Sendable, Codable, CustomStringConvertible {
    public var architecture: String
    public var os: String
    public var variant: String?
    public var osVersion: String?
    public var osFeatures: [String]?

    enum CodingKeys: String, CodingKey {
        case architecture, os, variant
        case osVersion = "os.version"
        case osFeatures = "os.features"
    }

    public init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// Reads `os/architecture[/variant]`, or an architecture that is known, which is one of Linux: `amd64`, `arm/v7`.
    public init?(_ text: String) {
        var parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        if Self.architectures.contains(parts[0]) || Self.otherNames[parts[0]] != nil { parts.insert("linux", at: 0) }
        guard (2...3).contains(parts.count) else { return nil }
        if let names = Self.otherNames[parts[1]] { parts.replaceSubrange(1...1, with: names) }
        guard parts.count <= 3 else { return nil }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    /// Go's names of the processors that images are made for.
    private static let architectures: Set = [
        "386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x",
    ]
    /// The kernel's names, as `uname -m` prints them, and Debian's.
    private static let otherNames = [
        "x86_64": ["amd64"], "x64": ["amd64"], "x86-64": ["amd64"], "i386": ["386"], "aarch64": ["arm64"],
        "armv6l": ["arm", "v6"],
        "armv7l": ["arm", "v7"], "armhf": ["arm", "v7"],
    ]

    public var description: String {
        "\(os)/\(architecture)" + (variant.map { "/\($0)" } ?? "")
    }

    /// Whether something for `other` is what was asked for with this; a variant that was not asked for may
    /// be any, and `v8` is what plain arm64 means.
    public func accepts(_ other: Platform) -> Bool {
        guard os == other.os, architecture == other.architecture else { return false }
        guard let variant else { return true }
        return variant == other.variant ?? (architecture == "arm64" ? "v8" : nil)
    }

    /// BuildKit's attestations stand in an index under this platform.
    public var isUnknown: Bool { os == "unknown" && architecture == "unknown" }

    /// Linux on the processor that this program was built for.
    public static var host: Platform {
        #if arch(arm64)
            Platform(os: "linux", architecture: "arm64")
        #else
            Platform(os: "linux", architecture: "amd64")
        #endif
    }
}
