import ArgumentParser
import ByteStreams
import ImageModel

/// Options that prove to a registry who asks, such as `--creds`: each is for one registry, and no other one may see it.
struct AccountScope {
    let option: String
    /// The options or files that serve several registries.
    let alternative: String

    /// - Parameter references: the places that would get it.
    /// - Throws: `ValidationError` if they are at more than one registry.
    func check(_ references: [ImageReference]) throws {
        let hosts = Self.registries(references).sorted()
        guard hosts.count > 1 else { return }
        let names = hosts.prefix(4).joined(separator: ", ") + (hosts.count > 4 ? ", ..." : "")
        throw ValidationError(
            "\(option) is for one registry, and \(hosts.count) are named (\(names)); use \(alternative)")
    }

    /// Returns the registries that are named, without the port of HTTPS.
    static func registries(_ references: [ImageReference]) -> Set<String> {
        Set(
            references.filter { $0.transport == .registry }.map { reference in
                let host = reference.location.lowercased()
                return host.hasSuffix(":443") ? String(host.dropLast(":443".count)) : host
            })
    }
}

extension ImageReference {
    /// The reference to a registry that a text is, with or without a transport; nil for any other text.
    static func registry(_ text: String) -> ImageReference? {
        let reference = try? ImageReference(
            text, exists: { (try? fileKind($0)) ?? nil != nil }, recognise: { _ in .oci })
        return reference?.transport == .registry ? reference : nil
    }
}

extension RegistryArguments {
    /// Refuses an account or a client certificate that several registries would get.
    ///
    /// - Parameter account: the places that `--creds` is for; all of them unless given.
    /// - Throws: `ValidationError`.
    func checkScope(
        _ references: [ImageReference], account: [ImageReference]? = nil,
        otherwise alternative: String = "'dray login' for each"
    ) throws {
        if creds != nil { try AccountScope(option: "--creds", alternative: alternative).check(account ?? references) }
        if certificate != nil {
            try AccountScope(option: "--cert", alternative: "certs.d/HOST:PORT for each").check(references)
        }
        if certificateDirectory != nil {
            try AccountScope(option: "--cert-dir", alternative: "certs.d/HOST:PORT for each").check(references)
        }
    }
}
