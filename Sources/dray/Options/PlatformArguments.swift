import ArgumentParser
import ImageModel
import ImageTransfer

/// `--platform`, for commands that copy.
struct PlatformArguments: ParsableArguments {
    @Option(
        name: .customLong("platform"), parsing: .singleValue,
        help: ArgumentHelp(
            "Copy only this platform, as OS/ARCH[/VARIANT] (repeatable); or 'present': those that the source has. An index that loses platforms gets a new digest.",
            valueName: "platform"))
    var platforms: [String] = []

    func validate() throws {
        guard PlatformChoice(platforms) == nil else { return }
        throw ValidationError(
            "--platform '\(platforms.joined(separator: "', '"))': expected OS/ARCH[/VARIANT], such as linux/arm64, or "
                + "'present' alone")
    }

    var choice: PlatformChoice { PlatformChoice(platforms) ?? .all }
}
