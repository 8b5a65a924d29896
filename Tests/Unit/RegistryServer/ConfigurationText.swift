import ConfigurationFiles
import ImageModel
import RegistryServer

/// A configuration that is right, for tests to add to.
let goodConfiguration = """
    version: 0.1
    storage: {filesystem: {rootdirectory: /srv}}
    http: {addr: ':5000'}

    """

/// Reads a text as if it were the file `c.yml`.
func readConfiguration(
    _ text: String, environment: [String: String] = [:]
) throws(ImageError) -> (configuration: ServerConfiguration, warnings: [String]) {
    try ServerConfiguration.read(Array(text.utf8), name: "c.yml", environment: environment)
}

/// What is wrong with a text; nothing if it is right.
func mistakes(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
        _ = try readConfiguration(text, environment: environment)
        return []
    } catch {
        return error.lines
    }
}
