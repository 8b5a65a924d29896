import ArgumentParser
import ImageModel
import ImageTransfer

/// `--platform`, for commands that copy.
struct PlatformArguments: ParsableArguments {
    @Option(
        name: .customLong("platform"), parsing: .singleValue,
        help: ArgumentHelp(
            "Copy only this platform, as OS/ARCH[/VARIANT] (repeatable, or a list with commas); or 'present': those that the source has. An index that loses platforms gets a new digest. (default: all)",
            valueName: "platform"))
    var platforms: [String] = []

    /// skopeo's words for all platforms.
    @Flag(name: [.customLong("all"), .customShort("a")], help: .hidden)
    var all = false

    @Option(name: .customLong("multi-arch"), help: .hidden)
    var multiArch: String?

    func validate() throws {
        guard [nil, "all"].contains(multiArch?.lowercased()) else {
            throw ValidationError(
                multiArch == "system"
                    ? "--multi-arch system: name the platform; use: --platform \(Platform.host)"
                    : "--multi-arch '\(multiArch ?? "")': unsupported; expected all, or use --platform")
        }
        try Self.check(platforms)
        guard !all && multiArch == nil || choice == .all else {
            throw ValidationError("--\(all ? "all" : "multi-arch all") copies all platforms; leave out --platform")
        }
    }

    /// - Throws: `ValidationError` for what is not a choice of platforms.
    static func check(_ platforms: [String]) throws {
        guard PlatformChoice(platforms) == nil else { return }
        throw ValidationError(
            "--platform '\(platforms.joined(separator: "', '"))': expected OS/ARCH[/VARIANT], such as linux/arm64, or "
                + "'present' or 'all' alone")
    }

    var choice: PlatformChoice { PlatformChoice(platforms) ?? .all }
}
