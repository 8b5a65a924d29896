import ByteStreams
import Glibc

/// The command lines that the distribution registry's image and its entry point understand, for a dray that is called
/// by their names.
///
/// | given | run |
/// |---|---|
/// | `serve CONFIG`, `garbage-collect ...`, `help`, options | dray with the same words |
/// | `CONFIG.yml` | `dray serve CONFIG.yml` |
/// | `registry ...`, `/bin/registry ...` | dray with the words after that |
/// | another program and its arguments, such as `sh -c ...` | that program |
///
/// Source: distribution-library-image, `docker-entrypoint.sh`.
enum RegistryProgram {
    /// The program's own name, and that of the image's entry point.
    private static let names = ["registry", "entrypoint.sh"]

    /// What to run.
    enum Line: Equatable {
        case dray([String])
        case program([String])
    }

    /// - Parameters:
    ///   - line: all words, the program's name first.
    ///   - commands: the names of dray's own commands.
    static func line(_ line: [String], commands: [String]) -> Line {
        var words = Array(line.dropFirst())
        guard let own = line.first.map(lastComponent), names.contains(own) else { return .dray(words) }
        if let first = words.first, names.contains(lastComponent(of: first)) { words.removeFirst() }
        guard let first = words.first else { return .dray(words) }
        if first == "-v" { return .dray(["--version"]) }
        if first.hasSuffix(".yml") || first.hasSuffix(".yaml") { return .dray(["serve"] + words) }
        if first.hasPrefix("-") || first == "help" || commands.contains(first) { return .dray(switches(words)) }
        return .program(words)
    }

    /// Writes `--flag=true` as `--flag` and leaves `--flag=false` out, as Go's flags may be given.
    private static func switches(_ words: [String]) -> [String] {
        let flags: Set = ["-d", "--dry-run", "-m", "--delete-untagged", "-q", "--quiet"]
        return words.compactMap { word in
            guard let sign = word.firstIndex(of: "="), flags.contains(String(word[..<sign])) else { return word }
            switch word[word.index(after: sign)...].lowercased() {
            case "true", "t", "1": return String(word[..<sign])
            case "false", "f", "0": return nil
            default: return word
            }
        }
    }

    /// Runs another program in place of this process. Returns only if that cannot be done.
    ///
    /// - Returns: the message that says why.
    static func replaceProcess(with words: [String]) -> String {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execvp(words[0], &arguments)
        let reason = errno == ENOENT ? "no such command or program" : systemMessage(errno)
        return "\(words[0]): \(reason); 'registry --help' lists the commands"
    }
}
