import ImageModel

/// A registry as `login` and `logout` are told it: with or without `docker://`, a scheme, or a slash.
enum RegistryHost {
    /// - Throws: `ImageError` if a repository was named, or what is no host.
    static func named(_ text: String) throws -> String {
        var host = text[...]
        for scheme in ["docker://", "oci://", "https://", "http://"] where host.hasPrefix(scheme) {
            host = host.dropFirst(scheme.count)
        }
        while host.last == "/" { host = host.dropLast() }
        guard !host.contains(where: { "@?#".contains($0) }) else {
            throw ImageError.usage(
                "'\(ImageReference.printable(text))': invalid registry; expected HOST[:PORT], and --username for an account"
            )
        }
        let reference = try ImageReference("docker://\(host)/", exists: { _ in false }, recognise: { _ in nil })
        guard reference.name == nil else {
            throw ImageError.usage("'\(text)' is no HOST[:PORT]: one logs in to a registry, not to a repository")
        }
        return reference.location
    }
}
