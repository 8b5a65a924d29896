import ArgumentParser
import RegistryClient

/// A side of a copy, whose registry may need other settings than the other's.
protocol CopySide: Sendable {
    /// The beginning of its options: `src` or `dest`.
    static var prefix: String { get }
    /// Whose options they are: reads on from "for ".
    static var title: String { get }
}

enum SourceSide: CopySide {
    static let prefix = "src"
    static let title = "the sources"
}

enum DestinationSide: CopySide {
    static let prefix = "dest"
    static let title = "the destination"
}

/// Registry options for one side of a copy.
struct SideArguments<Side: CopySide>: ParsableArguments {
    @Option(
        name: .customLong("\(Side.prefix)-creds"),
        help: ArgumentHelp("--creds for \(Side.title) only.", valueName: "file"))
    var credentials: CredentialsArgument?

    @Option(
        name: .customLong("\(Side.prefix)-tls-verify"),
        help: ArgumentHelp("--tls-verify for \(Side.title) only.", valueName: "bool"), transform: SwitchArgument.read)
    var verifiesTLS: Bool?

    @Flag(name: .customLong("\(Side.prefix)-plain-http"), help: "--plain-http for \(Side.title) only.")
    var plainHTTP = false

    @Option(
        name: .customLong("\(Side.prefix)-authfile"),
        help: ArgumentHelp("--authfile for \(Side.title) only.", valueName: "file"))
    var authFile: String?

    @Option(
        name: .customLong("\(Side.prefix)-cert-dir"),
        help: ArgumentHelp("--cert-dir for \(Side.title) only.", valueName: "directory"))
    var certificateDirectory: String?

    /// Whether TLS is not verified on this side, by an option of its own.
    var trustsAnybody: Bool { verifiesTLS == false || plainHTTP }

    func apply(to options: inout RegistryOptions) throws {
        options.credentials = try credentials?.read() ?? options.credentials
        options.verifiesTLS = verifiesTLS ?? options.verifiesTLS
        options.plainHTTP = options.plainHTTP || plainHTTP
        options.authFile = authFile ?? options.authFile
        options.certificateDirectory = certificateDirectory ?? options.certificateDirectory
    }
}
