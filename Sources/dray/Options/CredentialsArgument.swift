import ArgumentParser
import ByteStreams
import Glibc
import ImageTransfer
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
        let text: String
        if place.hasPrefix(variable) {
            guard let value = getenv(String(place.dropFirst(variable.count))) else {
                throw TransferError.refused(
                    "there is no variable \(place.dropFirst(variable.count)) in the environment")
            }
            text = String(cString: value)
        } else {
            text = String(decoding: try file(), as: UTF8.self)
        }
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        guard let credentials = Credentials(line) else {
            throw TransferError.refused("the credentials are not of the form USER:PASSWORD")
        }
        return credentials
    }

    /// A file, or a pipe as `<(…)` of the shell makes one. Its name is not repeated: it may be the password.
    private func file() throws -> [UInt8] {
        let descriptor = open(place, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw TransferError.refused(
                "there is no file with credentials of that name; write USER:PASSWORD into a file, or name a variable as env:NAME"
            )
        }
        defer { close(descriptor) }
        return try DescriptorSource(descriptor, name: "the file of --creds").readAll(
            limit: 64 << 10, name: "the file of --creds")
    }
}
