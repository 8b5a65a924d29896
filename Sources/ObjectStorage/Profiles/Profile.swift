import ByteStreams
import ImageModel

/// The settings of one profile in `~/.aws/config` and `~/.aws/credentials`.
package struct Profile: Sendable {
    package let name: String
    /// nil where neither file has the profile.
    private let values: [String: String]?
    private let services: [String: String]

    package subscript(_ name: String) -> String? { values?[name].flatMap { $0.isEmpty ? nil : $0 } }
    /// A setting of the section `[services NAME]` that the profile refers to, such as `s3.endpoint_url`.
    package func service(_ name: String) -> String? { services[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// - Parameters:
    ///   - name: nil for `AWS_PROFILE`, else `default`.
    ///   - environment: `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_PROFILE` and `HOME`.
    /// - Throws: `ImageError` for files that cannot be read, and for a missing profile that was asked for by name.
    package init(_ name: String?, environment: [String: String]) throws {
        let wanted = name ?? environment["AWS_PROFILE"].flatMap { $0.isEmpty ? nil : $0 }
        self.name = wanted ?? "default"
        let folder = (environment["HOME"] ?? "") + "/.aws"
        let configPath = environment["AWS_CONFIG_FILE"] ?? "\(folder)/config"
        let credentialPath = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "\(folder)/credentials"
        let config = try Self.read(configPath)
        let credentials = try Self.read(credentialPath)
        var found =
            config.sections["profile \(self.name)"] ?? (self.name == "default" ? config.sections["default"] : nil)
        if let keys = credentials.sections[self.name] { found = (found ?? [:]).merging(keys) { $1 } }
        if found == nil, let wanted {
            throw ImageError(
                .usage, "profile \(wanted): missing from \(configPath) and \(credentialPath); correct AWS_PROFILE")
        }
        values = found
        services = found?["services"].flatMap { config.sections["services \($0)"] } ?? [:]
    }

    private static func read(_ path: String) throws -> INIFile {
        do {
            guard let bytes = try TextFile.read(path, limit: 1 << 20) else { return INIFile() }
            return INIFile(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ImageError(.usage, "\(error)", hint: "correct the file, or set AWS_CONFIG_FILE", cause: error)
        }
    }
}
