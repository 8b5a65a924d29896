import ArgumentParser
import ImageModel
import ImageTransfer
import RegistryClient

/// How registries are talked to, on commands that may have to.
struct RegistryArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read USER:PASSWORD for the registry from a file, or from the environment as env:NAME.", valueName: "file"))
    var creds: CredentialsArgument?

    @Option(
        name: .customLong("tls-verify"),
        help: ArgumentHelp("With false, take any certificate of the registry, or plain HTTP.", valueName: "bool"))
    var verifiesTLS = true

    @Flag(name: .customLong("plain-http"), help: "Talk to the registry without TLS.")
    var plainHTTP = false

    @Option(
        name: .customLong("ca-file"), parsing: .singleValue,
        help: ArgumentHelp("Trust the certificate authorities in this PEM file, too.", valueName: "file"))
    var authorityFiles: [String] = []

    @Option(
        name: .customLong("cert"),
        help: ArgumentHelp("This side's certificate, a PEM file; its key is given with --key.", valueName: "file"))
    var certificate: String?

    @Option(help: ArgumentHelp("The key of --cert, a PEM file.", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("Try a request that failed for the time being so many times more.", valueName: "number"))
    var retryTimes = RegistryOptions().retryTimes

    @Option(
        help: ArgumentHelp(
            "Give up on a registry that is silent for so many seconds, and on trying again after five times that.",
            valueName: "seconds"))
    var timeout = Int(RegistryOptions().timeout.components.seconds)

    @Option(
        help: ArgumentHelp(
            "Transfer at most this many bytes a second to and from registries: 500k, 10M (powers of 1024), 10MB (1000).",
            valueName: "rate"),
        transform: { try RateLimiter.bytesPerSecond($0) })
    var limitRate: Int64?

    func validate() throws {
        guard (certificate == nil) == (key == nil) else { throw ValidationError("--cert and --key go together") }
        guard (0...1000).contains(retryTimes) else { throw ValidationError("--retry-times goes from 0 to 1000") }
        guard (1...86_400).contains(timeout) else {
            throw ValidationError("--timeout goes from 1 second to 86400, which is a day")
        }
        if plainHTTP, !authorityFiles.isEmpty || certificate != nil {
            throw ValidationError("--plain-http has no use for certificates")
        }
    }

    /// - Parameter jobs: what is done at once.
    func options(_ console: Console, jobs: Int? = nil) throws -> RegistryOptions {
        var options = RegistryOptions()
        options.lookups = jobs ?? options.lookups
        options.verifiesTLS = verifiesTLS
        options.plainHTTP = plainHTTP
        options.authorityFiles = authorityFiles
        if let certificate, let key { options.clientCertificate = (certificate, key) }
        options.credentials = try creds?.read()
        options.retryTimes = retryTimes
        options.timeout = .seconds(timeout)
        options.retryTimeout = .seconds(timeout * 5)
        options.rateLimiter = limitRate.map { RateLimiter(bytesPerSecond: $0) }
        options.remark = { console.note(Printable.line($0)) }
        return options
    }
}
