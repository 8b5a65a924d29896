import ByteStreams
import DrayKit

/// Commands that users of docker, podman, skopeo, crane, regctl and restic type, and the line that does it here.
enum CommandHints {
    /// Options that other tools take before the command.
    private static let movable: Set = ["--debug", "--verbose", "-v", "--quiet", "-q", "--json"]

    /// Puts options that stand before the command behind it, and writes `version` and the command after `help` as dray
    /// does.
    static func ordered(_ arguments: [String]) -> [String] {
        if arguments == ["version"] { return ["--version"] }
        if arguments.first == "help", let word = arguments.dropFirst().first?.lowercased(),
            RootCommand.commandNames.contains(word)
        {
            return ["help", word] + arguments.dropFirst(2)
        }
        let options = arguments.prefix { movable.contains($0) }
        guard let command = arguments.dropFirst(options.count).first, RootCommand.commandNames.contains(command) else {
            return arguments
        }
        return [command] + options + arguments.dropFirst(options.count + 1)
    }

    /// What is wrong with a command line whose command dray does not have.
    ///
    /// - Returns: nil if it has the command, or none is named.
    static func complaint(_ arguments: [String]) -> String? {
        if let words = inspection(arguments) { return words }
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        guard let word = words.first, !word.hasPrefix("-"), !RootCommand.commandNames.contains(word) else { return nil }
        let problem = "no command '\(ImageReference.printable(word))'"
        if let advice = advice[word] { return "\(problem); \(advice)" }
        if let line = line(word, Array(words.dropFirst())) { return "\(problem); use: \(line)" }
        if !unguessed.contains(word), let near = Suggestion.nearest(to: word, in: RootCommand.commandNames) {
            return "\(problem); did you mean \(near)?"
        }
        return problem
    }

    /// docker's `manifest inspect`: `manifest` alone is a command here.
    private static func inspection(_ arguments: [String]) -> String? {
        guard arguments.count > 2, arguments[0] == "manifest", arguments[1] == "inspect", !isPath("inspect") else {
            return nil
        }
        let images = arguments.dropFirst(2).filter { !$0.hasPrefix("-") }.map(reference)
        return "no command 'manifest inspect'; use: dray inspect \(images.first ?? "IMAGE")"
    }

    /// Commands for which dray has no line, and what to know instead.
    private static let advice: [String: String] = {
        var advice: [String: String] = [:]
        for word in ["undelete", "undo", "unrm"] {
            advice[word] =
                "until 'dray gc' has run: dray tag REPOSITORY@DIGEST TAG; after 'dray gc --quarantine': dray gc --undo latest STORE"
        }
        for word in ["exec", "stop", "kill", "ps", "restart"] {
            advice[word] = "dray runs no containers; it copies and keeps images"
        }
        advice["search"] = "dray lists the images of one registry: dray ls docker://HOST/"
        return advice
    }()

    /// Words that are near to a command, and mean something else.
    private static let unguessed: Set = ["cls", "clear", "reset", "reload", "status"]

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
            return name.flatMap { RootCommand.commandNames.contains($0) ? "dray \($0)" : line($0, []) }
                ?? line(word, [])
        }
        let given = words.filter { !$0.hasPrefix("-") }
        if groups.contains(word), let next = given.first,
            let rest = words.firstIndex(of: next).map({ words[($0 + 1)...] })
        {
            if let line = line(next, Array(rest)) { return line }
            if next == "ls", rest.isEmpty { return "dray ls PLACE" }
            if RootCommand.commandNames.contains(next) {
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
            guard given.count > 1, isPlace(given[0]) else {
                let image = given.first ?? "IMAGE"
                if given.count > 1 {
                    return "docker save \(image) | dray copy docker-archive:- \(reference(given[given.count - 1]))"
                }
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
        case "catalog":
            let host = given.first.map { $0.contains("://") ? $0 : "docker://\($0)" } ?? "docker://HOST"
            return "dray ls \(host)\(host.hasSuffix("/") ? "" : "/")"
        case "rmi", "remove", "del", "untag", "unlink": return "dray delete \(place)"
        case "config": return "dray inspect --config \(place)"
        case "show", "history", "layers", "info": return "dray inspect \(place)"
        case "manifest-digest", "exists", "diff", "compare": return "dray digest \(place)"
        case "validate", "check", "fsck", "scrub": return "dray verify \(place)"
        case "mirror", "replicate": return "dray sync FILE.yml"
        case "init": return "dray backup SOURCE... \(given.first ?? "DIRECTORY") (which makes the directory)"
        case "run", "start":
            guard let image = given.last, !image.hasSuffix(".yml"), !image.hasSuffix(".yaml") else {
                return "dray serve config.yml"
            }
            return "docker run \(image); dray runs no containers"
        case "registry", "daemon": return "dray serve config.yml"
        case "system":
            let option = given.first == "df" ? " --dry-run" : ""
            return "dray gc\(option) STORE, on a registry's storage"
        case "signin", "auth": return "dray login \(host(in: given))"
        case "signout": return "dray logout \(host(in: given))"
        default: return nil
        }
    }

    /// The first word that looks like a registry's host: another one may be a password.
    private static func host(in words: [String]) -> String {
        let host = words.first { word in
            (word == "localhost" || word.contains(".") || word.contains(":"))
                && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".:-[]".contains($0)) }
        }
        return host ?? "HOST"
    }

    /// What was named, as a reference: an image of a registry unless it is a path, or says what it is.
    private static func reference(_ text: String) -> String {
        guard !isPlace(text), ImageName(text) != nil || text.contains("@") else {
            return ImageReference.printable(text)
        }
        return ImageReference.printable("docker://\(text)")
    }

    /// Whether it has a transport, or leads to something on this machine.
    private static func isPlace(_ text: String) -> Bool {
        let word = String(text.prefix { $0 != ":" })
        let isTransport = word.count < text.count && ImageReference.Transport(rawValue: word) != nil
        return isTransport || isPath(text) || isPath(word) || isPath(String(text.prefix { $0 != "/" }))
    }

    private static func isPath(_ text: String) -> Bool { !text.isEmpty && (try? fileKind(text)) ?? nil != nil }

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
