import ArgumentParser
import RegistryClient

/// Where `USER:PASSWORD` is to be read: never the text itself, which every process on the machine could see.
struct CredentialsArgument: ExpressibleByArgument, Sendable {
    private let place: String

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        place = argument
    }

    func read() throws -> Credentials {
        let variable = "env:"
        guard place.hasPrefix(variable) else { return try Credentials.read(file: place) }
        return try Credentials.read(variable: String(place.dropFirst(variable.count)))
    }
}
