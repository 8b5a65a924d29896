import ArgumentParser
import DrayKit
import RegistryClient

/// How registries are talked to, on commands that may have to.
struct RegistryArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read USER:PASSWORD for the one registry that is named from a file, or from the environment as env:NAME.",
            valueName: "file"))
    var creds: CredentialsArgument?

    @Option(
        name: .customLong("tls-verify"),
        help: ArgumentHelp(
            "With false, take any certificate of the registry, or plain HTTP. If the command names several registries, "
                + "logins that were saved are then not sent to other machines.", valueName: "bool"),
        transform: SwitchArgument.read)
    var verifiesTLS = true

    @Flag(
        name: .customLong("plain-http"),
        help: "Talk to the registry without TLS. Saved logins: see --tls-verify.")
    var plainHTTP = false

    @Option(
        name: .customLong("ca-file"), parsing: .singleValue,
        help: ArgumentHelp("Trust the certificate authorities in this PEM file, too.", valueName: "file"))
    var authorityFiles: [String] = []

    @Option(
        name: .customLong("cert"),
        help: ArgumentHelp(
            "Client certificate for the one registry that is named, a PEM file; its key is given with --key.",
            valueName: "file"))
    var certificate: String?

    @Option(help: ArgumentHelp("The key of --cert, a PEM file.", valueName: "file"))
    var key: String?

    @Option(
        name: .customLong("cert-dir"),
        help: ArgumentHelp(
            "Directory with certificates for the one registry that is named: *.crt, and *.cert with *.key, as in certs.d.",
            valueName: "directory"))
    var certificateDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Read and save logins in this file, instead of those of Docker and podman.", valueName: "file"))
    var authfile: String?

    @Option(help: ArgumentHelp("Retry temporary failures up to this many times.", valueName: "number"))
    var retryTimes = RegistryOptions().retryTimes

    @Option(
        help: ArgumentHelp(
            "Give up on a registry that is silent for this time, such as 90s, 5m or 1h30m, and on retries after five times that. (default: 60s)",
            valueName: "time"),
        transform: TimeArgument.read)
    var timeout = TimeArgument(RegistryOptions().timeout)

    @Option(
        help: ArgumentHelp(
            "Transfer at most this many bytes a second to and from registries: 500k, 10M (powers of 1024), 10MB (1000).",
            valueName: "rate"),
        transform: { try RateLimiter.bytesPerSecond($0) })
    var limitRate: Int64?

    @OptionGroup var storage: StorageArguments

    func validate() throws {
        guard (certificate == nil) == (key == nil) else { throw ValidationError("--cert and --key go together") }
        guard (0...1000).contains(retryTimes) else { throw ValidationError("--retry-times goes from 0 to 1000") }
        guard (.seconds(1) ... .seconds(86_400)).contains(timeout.duration) else {
            throw ValidationError("--timeout goes from 1s to 24h")
        }
        if plainHTTP, !authorityFiles.isEmpty || certificate != nil || certificateDirectory != nil {
            throw ValidationError("--plain-http has no use for certificates")
        }
    }

    /// A session in which registries are talked to so.
    ///
    /// - Parameters:
    ///   - references: the places that it is for.
    ///   - reader: which has read them.
    ///   - change: what is particular about it.
    func session(
        _ console: Console, for references: [ImageReference], _ reader: ReferenceReader, jobs: Int? = nil,
        _ change: (inout RegistryOptions) -> Void = { _ in }
    ) throws -> Dray {
        var options = try options(console, jobs: jobs, for: references)
        change(&options)
        return Dray(options, references: reader, storage: storageSettings(console))
    }

    func storageSettings(_ console: Console) -> StorageSettings {
        storage.settings(authorityFiles: authorityFiles, verifiesTLS: verifiesTLS, console)
    }

    /// A session, and the reference that it is for.
    func open(_ text: String, _ console: Console) throws -> (dray: Dray, reference: ImageReference) {
        let reader = ReferenceReader()
        let reference = try reader.read(text)
        return (try session(console, for: [reference], reader), reference)
    }

    /// - Parameters:
    ///   - jobs: what is done at once.
    ///   - references: the places that the options are for, if there may be several.
    func options(_ console: Console, jobs: Int? = nil, for references: [ImageReference] = []) throws -> RegistryOptions
    {
        var options = RegistryOptions()
        options.isSharedByRegistries = AccountScope.registries(references).count > 1
        options.lookups = jobs ?? options.lookups
        options.verifiesTLS = verifiesTLS
        options.plainHTTP = plainHTTP
        options.authorityFiles = authorityFiles
        if let certificate, let key {
            options.clientCertificate = ClientCertificate(certificate: certificate, key: key)
        }
        options.certificateDirectory = certificateDirectory
        options.credentials = try creds?.read()
        options.authFile = authfile
        options.retryTimes = retryTimes
        options.timeout = timeout.duration
        options.retryTimeout = timeout.duration * 5
        options.rateLimiter = limitRate.map { RateLimiter(bytesPerSecond: $0) }
        options.remark = { console.note(Printable.line($0)) }
        return options
    }
}
