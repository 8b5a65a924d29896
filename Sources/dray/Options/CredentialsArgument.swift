import ArgumentParser
import ImageModel
import RegistryClient

/// Where `USER:PASSWORD` is to be read: never the text itself, which every process on the machine could see.
struct CredentialsArgument: ExpressibleByArgument, Sendable {
    private let place: String

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        place = argument
    }

    /// - Throws: `ImageError` if there are no credentials: a mistake in using the option.
    func read() throws -> Credentials {
        do {
            return try credentials()
        } catch let error as ImageError where error.code == .refused {
            throw ImageError.usage(
                "\(error); --creds takes a file with USER:PASSWORD in it, or env:NAME; a password is never an argument"
            )
        }
    }

    private func credentials() throws -> Credentials {
        let variable = "env:"
        guard place.hasPrefix(variable) else { return try Credentials.read(file: place) }
        return try Credentials.read(variable: String(place.dropFirst(variable.count)))
    }
}
