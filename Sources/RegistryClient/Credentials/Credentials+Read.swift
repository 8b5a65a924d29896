import ByteStreams
import Glibc
import ImageModel

extension Credentials {
    /// Reads `USER:PASSWORD` from a variable of the environment. No message repeats the variable's name: it may be the
    /// password.
    ///
    /// - Throws: `ImageError.refused`.
    package static func read(variable: String) throws -> Credentials {
        guard let value = getenv(variable) else {
            throw ImageError.refused("the variable with credentials is not set")
        }
        return try parse(String(cString: value))
    }

    /// Reads `USER:PASSWORD` from the first line of a file, or of a pipe as `<(...)` of the shell makes one. Blocks.
    /// No message repeats the file's name: it may be the password.
    ///
    /// - Throws: `ImageError.refused`, `ImageError`.
    package static func read(file path: String) throws -> Credentials {
        let opened: Int32?
        do {
            opened = try DirectoryHandle.openNamed(path, O_NOCTTY)
        } catch let error as ImageError where error.code == .damaged {
            throw ImageError.refused(
                "the file with credentials is a link that another user made, so it is not followed; name the file itself"
            )
        } catch {
            opened = nil
        }
        guard let descriptor = opened else {
            throw ImageError.refused("the file with credentials does not exist")
        }
        let name = "the file with credentials"
        let bytes = try TextFile.read(
            DescriptorSource(descriptor, name: name, isOwn: true), limit: 64 << 10, name: name)
        return try parse(String(decoding: bytes, as: UTF8.self))
    }

    private static func parse(_ text: String) throws -> Credentials {
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        guard let credentials = Credentials(line) else {
            throw ImageError.refused("the credentials are not of the form USER:PASSWORD")
        }
        return credentials
    }
}
