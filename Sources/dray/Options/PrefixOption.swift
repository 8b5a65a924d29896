import ArgumentParser
import ImageModel

/// `--prefix`, for commands that copy.
struct PrefixOption: ParsableArguments {
    @Option(help: ArgumentHelp("Put every repository below this path at the destination.", valueName: "path"))
    var prefix: String?

    func validate() throws {
        if let prefix, !ImageName.isRepository(prefix.hasSuffix("/") ? prefix.dropLast() : prefix[...]) {
            throw ValidationError(
                "--prefix '\(prefix)' is not a valid repository path; expected lower case, digits and '/'")
        }
    }
}
