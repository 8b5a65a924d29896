/// References as users of docker, skopeo, regctl, ORAS and browsers write them: understood where they can mean one thing
/// only, and else refused with the reference that was probably meant.
enum ReferenceHints {
    private typealias Transport = ImageReference.Transport

    /// Other tools' names for an OCI layout: regctl's, and ORAS's and BuildKit's.
    private static let layouts = ["ocidir", "oci-layout"]

    /// Rewrites a reference to the form of the grammar.
    ///
    /// - Parameters:
    ///   - rest: the reference without its digest; it is not an existing path.
    ///   - text: all of it, for messages.
    /// - Throws: `ImageError`.
    static func understood(
        _ rest: String, of text: String, isWritten: Bool, _ exists: (String) throws -> Bool
    ) throws -> String {
        let colon = rest.firstIndex(of: ":")
        let word = colon.map { String(rest[..<$0]) } ?? ""
        let end = colon.map { String(rest[rest.index(after: $0)...]) } ?? ""
        // A path that is there is meant before anything else.
        if try Transport(rawValue: word) ?? .registry == .registry && !end.hasPrefix("//") && exists(word) {
            return rest
        }
        if let registry = registry(rest) { return registry }
        switch word {
        case "http", "https":
            if end.hasPrefix("//") { throw webAddress(text, place: String(end.dropFirst(2)), isPlain: word == "http") }
        case "docker":
            guard end.hasPrefix("//"), !end.hasPrefix("///") else {
                let place = end.drop { $0 == "/" }
                throw ImageError.usage(
                    "'\(printable(text))': no transport of this name; did you mean "
                        + "\(printable("docker://\(place.isEmpty ? "HOST/REPOSITORY" : place)"))?")
            }
        case "oci":
            if ["///", "//./", "//../"].contains(where: end.hasPrefix) { return "oci:" + path(end) }
        case _ where layouts.contains(word): return "oci:" + path(end)
        case "file":
            if end.hasPrefix("/") {
                let path = path(end)
                guard try exists(path) || isWritten else {
                    throw ImageError.usage("'\(text)': no such file or directory")
                }
                return path
            }
        case "docker-daemon", "containers-storage":
            let engine = word == "docker-daemon" ? "docker" : "podman"
            let name = end.split(separator: "]").last.map(String.init) ?? "IMAGE"
            throw ImageError.usage(
                "'\(text)': unsupported transport; "
                    + (isWritten
                        ? "pipe the images: dray copy SOURCE docker-archive:- | \(engine) load"
                        : "pipe the image: \(engine) save \(name) | dray copy docker-archive:- DESTINATION"))
        case _ where Transport(rawValue: word) != nil:
            // `docker-archive://app.tar` is the file in the root directory to the system, and to nobody else.
            if end.hasPrefix("//") {
                let own = end.hasPrefix("///") ? path(end) : String(end.dropFirst(2))
                // A name may follow the path.
                func leads(_ text: String) throws -> Bool {
                    try exists(text) || exists(String(text.prefix { $0 != ":" }))
                }
                if try end.hasPrefix("///") || leads(own) && !leads(end) { return "\(word):\(own)" }
                if try !leads(end) {
                    throw ImageError.usage("'\(text)': '//' after \(word):; did you mean \(word):\(own)?")
                }
            }
        default:
            if let near = transport(near: word), !end.isEmpty, !ImageReference.looksLikeHost(word) {
                throw ImageError.usage(
                    "'\(printable(text))': no transport '\(word)'; did you mean "
                        + printable(near + (near.hasSuffix("//") ? end.drop { $0 == "/" } : end[...])) + "?")
            }
        }
        return rest
    }

    /// The error for a text that has no transport and leads to no file.
    ///
    /// - Parameter isPlace: whether a path is that of a store or a layout.
    static func missing(
        _ text: String, isWritten: Bool, isPlace: (String) throws -> Bool
    ) throws -> ImageError {
        let shown = printable(text)
        let problem = isWritten ? "missing transport" : "no such file or directory"
        if let inside = try name(text, in: isPlace) {
            return ImageError.usage("'\(shown)': \(problem); did you mean \(inside)?")
        }
        if let name = image(text), !isWritten || name.host != nil {
            let isPublic = name.host == nil || name.host == "docker.io"
            let tag = isPublic && name.tag == nil && !text.contains("@") ? ":latest" : ""
            let other =
                name.host == nil && name.tag != nil && !text.contains("@")
                ? " An image in Docker: docker save \(text) | dray copy docker-archive:- DESTINATION" : ""
            return ImageError.usage(
                "'\(shown)': \(problem); did you mean \(printable(Transport.registry.prefix + text))\(tag)?\(other)")
        }
        guard isWritten else { return ImageError.usage("'\(shown)': \(problem)") }
        let kinds: [Transport] =
            isFileName(text) ? [.dockerArchive, .ociArchive] : [.store, .oci, .dockerArchive, .ociArchive, .directory]
        let forms = kinds.map { $0.prefix + shown }
        return ImageError.usage(
            "'\(shown)': \(problem); write \(forms.dropLast().joined(separator: ", ")) or \(forms[forms.count - 1])")
    }

    /// `PLACE:REPOSITORY` for `PLACE/REPOSITORY`.
    ///
    /// - Returns: nil if no beginning of the path is a store or a layout.
    private static func name(_ text: String, in isPlace: (String) throws -> Bool) throws -> String? {
        for slash in text.indices.reversed() where text[slash] == "/" && slash != text.startIndex {
            let (place, name) = (String(text[..<slash]), String(text[text.index(after: slash)...]))
            guard ImageName(withoutHost: name) != nil, !isFileName(name) else { continue }
            if try isPlace(place) { return "\(place):\(name)" }
        }
        return nil
    }

    /// The image or the place of a registry that a text may be.
    private static func image(_ text: String) -> ImageName? {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 1 || Digest(parts[1]) != nil, !isFileName(text) else { return nil }
        return ImageReference.looksLikeHost(text) && !text.contains("/")
            ? ImageName("\(text)/a") : ImageName(parts[0])
    }

    /// The reference to a registry that is named without a transport, where it cannot be a file: its host is this machine
    /// or an address, or has a port and a repository.
    private static func registry(_ text: String) -> String? {
        let first = text.prefix { $0 != "/" }
        let hasRepository = first.count < text.count
        guard let host = ImageName("\(first)/a")?.host, !isFileName(host) else { return nil }
        let bare = host.hasPrefix("[") ? host[...] : host.prefix { $0 != ":" }
        let hasPort = !host.hasSuffix("]") && bare.count < host.count || host.contains("]:")
        let isAddress =
            host.hasPrefix("[")
            || bare.split(separator: ".").count == 4 && bare.allSatisfy { "0123456789.".contains($0) }
        let isHost =
            bare == "localhost"
            ? hasPort || hasRepository : isAddress || bare.contains(".") && hasPort && hasRepository
        return isHost ? Transport.registry.prefix + text : nil
    }

    private static func webAddress(_ text: String, place: String, isPlain: Bool) -> ImageError {
        guard !isFileName(String(place.prefix { !"?#".contains($0) })) else {
            return ImageError.usage("'\(printable(text))': a web address; download the archive first: curl -fLO URL")
        }
        let end = place.split(separator: "@").last ?? ""
        let scheme = isPlain ? "http://" : "https://"
        let reference = "\(Transport.registry.prefix)\(PrintableURL.value(scheme + end).dropFirst(scheme.count))"
        return ImageError.usage(
            "'\(printable(text))': a web address; did you mean \(reference)\(isPlain ? " with --plain-http" : "")?")
    }

    /// A mistyped or differently written transport's prefix.
    private static func transport(near word: String) -> String? {
        let words = Transport.allCases.map(\.rawValue)
        let plain = word.lowercased().replacing("_", with: "-")
        guard plain.count > 2, let near = Suggestion.nearest(to: plain, in: words) else { return nil }
        return Transport(rawValue: near)?.prefix
    }

    /// A path after a scheme, with one slash at its start at most.
    private static func path(_ end: String) -> String {
        guard end.hasPrefix("//") else { return end }
        let path = end.dropFirst(2)
        return path.hasPrefix("/") ? "/" + path.drop { $0 == "/" } : String(path)
    }

    /// Whether it ends as archives and other files do.
    private static func isFileName(_ text: String) -> Bool {
        let ending = text.lowercased().split(separator: ".", omittingEmptySubsequences: false).last ?? ""
        let endings: Set = [
            "tar", "tgz", "txz", "gz", "zst", "xz", "bz2", "zip", "json", "txt", "yml", "yaml", "conf", "img", "iso",
        ]
        return text.contains(".") && endings.contains(String(ending))
    }

    private static func printable(_ text: String) -> String { ImageReference.printable(text) }
}

/// The word that was probably meant by a mistyped one.
package enum Suggestion {
    /// - Returns: the only word that begins with the text, or else the one that differs least from it: by a third of its
    ///   characters at most.
    package static func nearest(to text: String, in words: [String]) -> String? {
        let text = text.lowercased()
        let beginning = words.filter { text.count > 1 && $0.hasPrefix(text) }
        if beginning.count == 1 { return beginning[0] }
        let distances = words.map { (word: $0, distance: distance(Array(text.utf8), Array($0.utf8))) }
        let nearest = distances.min { $0.distance < $1.distance }
        return nearest.flatMap { $0.distance <= max(1, text.utf8.count / 3) ? $0.word : nil }
    }

    /// The number of bytes to insert, remove, replace or swap with the next one.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var rows = [Array(0...other.count)]
        for i in one.indices {
            var row = [i + 1]
            for j in other.indices {
                let replaced = rows[i][j] + (one[i] == other[j] ? 0 : 1)
                row.append(min(replaced, rows[i][j + 1] + 1, row[j] + 1))
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                    row[j + 1] = min(row[j + 1], rows[i - 1][j - 1] + 1)
                }
            }
            rows.append(row)
        }
        return rows[one.count][other.count]
    }
}
