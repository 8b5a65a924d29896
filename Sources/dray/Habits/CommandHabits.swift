import ByteStreams
import ImageModel

/// Commands that users of docker, podman, skopeo, crane, regctl and restic type, and the line that does it here.
enum CommandHabits {
    /// Options that other tools take before the command.
    private static let movable: Set = ["--debug", "--verbose", "-v", "--quiet", "-q", "--json"]

    /// Puts options that stand before the command behind it.
    static func ordered(_ arguments: [String]) -> [String] {
        let options = arguments.prefix { movable.contains($0) }
        guard let command = arguments.dropFirst(options.count).first, Dray.commandNames.contains(command) else {
            return arguments
        }
        return [command] + options + arguments.dropFirst(options.count + 1)
    }

    /// What is wrong with a command line whose command dray does not have.
    ///
    /// - Returns: nil if it has the command, or none is named.
    static func complaint(_ arguments: [String]) -> String? {
        guard let word = arguments.first, !word.hasPrefix("-"), word != "help", !Dray.commandNames.contains(word) else {
            return nil
        }
        let problem = "no command '\(ImageReference.printable(word))'"
        if let line = line(word, Array(arguments.dropFirst())) { return "\(problem); use: \(line)" }
        if let near = Suggestion.nearest(to: word, in: Dray.commandNames) { return "\(problem); did you mean \(near)?" }
        return problem
    }

    /// Words of docker, podman and regctl before the command itself: `image ls`, `tag ls`.
    private static let groups: Set = ["image", "images", "repo", "repository", "index", "artifact", "auth", "registry"]

    /// Options of other tools whose values are known, if they have any. The value of another one may be a password.
    private static let understood: Set = [
        "-o", "--output", "-i", "--input", "-q", "--quiet", "-a", "--all", "--all-tags", "-f", "--force",
    ]

    /// The line that does what another tool's command does; with the words that were given, as far as they fit.
    private static func line(_ word: String, _ words: [String]) -> String? {
        guard words.allSatisfy({ !$0.hasPrefix("-") || understood.contains($0) }) else {
            let name = groups.contains(word) ? words.first { !$0.hasPrefix("-") } : nil
            return name.flatMap { Dray.commandNames.contains($0) ? "dray \($0)" : line($0, []) } ?? line(word, [])
        }
        let given = words.filter { !$0.hasPrefix("-") }
        if groups.contains(word), let next = given.first,
            let rest = words.firstIndex(of: next).map({ words[($0 + 1)...] })
        {
            if let line = line(next, Array(rest)) { return line }
            if Dray.commandNames.contains(next) {
                return (["dray", next] + rest).map(ImageReference.printable).joined(separator: " ")
            }
        }
        let place = given.first.map(reference) ?? "PLACE"
        switch word {
        case "pull", "fetch", "get", "download":
            let image = given.first.map(reference) ?? "docker://IMAGE"
            let file = given.dropFirst().first ?? fileName(for: image)
            return "dray copy \(image) docker-archive:\(file) (or docker-archive:- | docker load)"
        case "push", "upload":
            guard given.count > 1 else {
                let image = given.first ?? "IMAGE"
                return
                    "docker save \(image) | dray copy docker-archive:- \(given.first.map(reference) ?? "docker://IMAGE")"
            }
            return "dray copy \(given[0]) \(reference(given[given.count - 1]))"
        case "save", "export":
            let file = value(of: ["-o", "--output"], in: words)
            let images = given.filter { $0 != file }.map(reference)
            let image = images.isEmpty ? "docker://IMAGE" : images.joined(separator: " ")
            return "dray copy \(image) docker-archive:\(file ?? fileName(for: images.first ?? ""))"
        case "load", "import":
            let file = value(of: ["-i", "--input"], in: words) ?? given.first ?? "FILE"
            return "dray copy \(file) PLACE, where PLACE is docker://HOST/REPOSITORY, store:ROOT or oci:DIR"
        case "images", "list", "tags", "dir", "repos", "image": return "dray ls \(place)"
        case "catalog", "search":
            let host = given.first.map { $0.contains("://") ? $0 : "docker://\($0)" } ?? "docker://HOST"
            return "dray ls \(host)\(host.hasSuffix("/") ? "" : "/")"
        case "version": return "dray --version"
        case "rmi", "remove", "del", "untag", "unlink": return "dray delete \(place)"
        case "config": return "dray inspect --config \(place)"
        case "show", "history", "layers", "info": return "dray inspect \(place)"
        case "manifest-digest": return "dray digest \(place)"
        case "validate", "check", "fsck", "scrub": return "dray verify \(place)"
        case "mirror", "replicate": return "dray sync FILE.yml"
        case "init": return "dray backup SOURCE... \(given.first ?? "DIRECTORY") (which makes the directory)"
        case "run", "start", "registry", "daemon": return "dray serve config.yml"
        case "signin", "auth": return "dray login \(given.last ?? "HOST")"
        case "signout": return "dray logout \(given.last ?? "HOST")"
        default: return nil
        }
    }

    /// What was named, as a reference: an image of a registry unless it is a path, or says what it is.
    private static func reference(_ text: String) -> String {
        let isPath = (try? fileKind(text)) ?? nil != nil
        guard !isPath, ImageName(text) != nil || text.contains("@") else { return ImageReference.printable(text) }
        return ImageReference.printable("docker://\(text)")
    }

    /// `app.tar` for `docker://registry.example/team/app:1`.
    private static func fileName(for image: String) -> String {
        let last = image.split(separator: "/").last ?? ""
        let name = last.prefix { $0 != ":" && $0 != "@" }
        return (name.isEmpty || name == "IMAGE" ? "image" : name) + ".tar"
    }

    private static func value(of names: [String], in words: [String]) -> String? {
        words.firstIndex { names.contains($0) }.flatMap { words.dropFirst($0 + 1).first }
    }
}
