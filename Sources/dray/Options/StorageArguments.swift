import ArgumentParser
import DrayKit

/// How the servers of `store:s3://` are reached.
struct StorageArguments: ParsableArguments {
    @Option(
        name: .customLong("s3-endpoint"),
        help: ArgumentHelp(
            "Server of s3://BUCKET. (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or AWS)", valueName: "url"))
    var endpoint: String?

    @Option(
        name: .customLong("s3-region"),
        help: ArgumentHelp("Region of s3://BUCKET. (default: AWS_REGION)", valueName: "region"))
    var region: String?

    @Option(
        name: .customLong("s3-path-style"),
        help: ArgumentHelp(
            "Whether the bucket is part of the URL's path, and not of its host. (default: true for servers other than "
                + "AWS's)", valueName: "bool"), transform: SwitchArgument.read)
    var usesPathStyle: Bool?

    func settings(authorityFiles: [String], verifiesTLS: Bool, _ console: Console) -> StorageSettings {
        var settings = StorageSettings()
        settings.endpoint = endpoint
        settings.region = region
        settings.usesPathStyle = usesPathStyle
        settings.authorityFiles = authorityFiles
        settings.verifiesTLS = verifiesTLS
        settings.remark = { console.note(Printable.line($0)) }
        return settings
    }
}
