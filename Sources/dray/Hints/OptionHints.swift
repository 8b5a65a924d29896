import DrayKit

/// Options of other tools that dray does not have, and what to write instead.
enum OptionHints {
    /// The advice for the option that an error of ArgumentParser's names.
    ///
    /// - Parameters:
    ///   - message: the error.
    ///   - arguments: the command that was called, and its arguments.
    /// - Returns: nil for other errors.
    static func advice(for message: String, in arguments: [String]) -> String? {
        guard message.hasPrefix("Unknown option '") else { return nil }
        let text = message.dropFirst("Unknown option '".count).prefix { $0 != "'" && $0 != "=" }
        // What follows a letter may be its value, and that a password.
        let option = String(text.hasPrefix("--") ? text : text.prefix(2))
        if let advice = advice(option, in: arguments) { return "no option \(option); \(advice)" }
        let near = nearest(to: option, of: arguments.first ?? "").map { "; did you mean --\($0)?" } ?? ""
        return "no option \(option)\(near)"
    }

    /// An option of the command that an unknown one may be meant for.
    private static func nearest(to option: String, of command: String) -> String? {
        guard option.hasPrefix("--"), let type = RootCommand.command(named: command),
            let known = try? CommandOptions(type)
        else { return nil }
        return Suggestion.nearest(to: String(option.dropFirst(2)), in: known.longNames)
    }

    /// The value that an option was given.
    private static func value(of option: String, in arguments: [String]) -> String? {
        guard let position = arguments.firstIndex(where: { $0 == option || $0.hasPrefix("\(option)=") }) else {
            return nil
        }
        if arguments[position] != option { return String(arguments[position].dropFirst(option.count + 1)) }
        return arguments.dropFirst(position + 1).first.flatMap { $0.hasPrefix("-") ? nil : $0 }
    }

    /// docker's `-p HOST:CONTAINER`, or a port alone, as `--addr` takes it.
    private static func address(_ text: String?) -> String {
        guard let text, !text.isEmpty, text.allSatisfy({ "0123456789.:[]".contains($0) }) else { return ":5000" }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isPort = parts[0].allSatisfy(\.isNumber) && !parts[0].isEmpty
        return isPort && parts.count <= 2 ? ":\(parts[0])" : parts.count == 3 ? "\(parts[0]):\(parts[1])" : text
    }

    /// - Parameter arguments: the command that was called, and its arguments.
    static func advice(_ option: String, in arguments: [String]) -> String? {
        let value = value(of: option, in: arguments)
        switch (option, arguments.first ?? "") {
        case ("-d", "serve"), ("--detach", "serve"), ("--daemon", "serve"), ("--background", "serve"):
            return "leave it out: dray stays in the foreground; start it by systemd, or with & in a shell"
        case ("-p", "serve"), ("--port", "serve"), ("--listen", "serve"), ("--publish", "serve"),
            ("--address", "serve"):
            return "use: --addr \(address(value))"
        case ("-f", "copy") where ["oci", "docker", "v2s1", "v2s2"].contains(value?.lowercased()):
            return "use: --format \(value == "oci" ? "oci" : "docker")"
        case ("--keep", "forget"):
            return "use: --keep-last \(value.flatMap { Int($0) }.map(String.init) ?? "NUMBER")"
        case ("--repair", "verify"), ("--fix", "verify"), ("--mend", "verify"):
            return "use: --repair-from PLACE, which has a sound copy"
        case ("--tag", "backup"): return "leave it out: a snapshot has a date and its sources ('dray snapshots')"
        case ("--all", "sync"), ("-a", "sync"): return "leave it out: the rules in the file choose the images"
        case ("-r", "delete"), ("-rf", "delete"), ("--recursive", "delete"): return "use: --all, with a repository"
        case ("-p", let command), ("--password", let command):
            return command == "login"
                ? "every process could see the password; use: dray login --username NAME --password-stdin HOST"
                : "write USER:PASSWORD into a file and use: --creds FILE"
        case ("--username", let command), ("-u", let command), ("--user", let command):
            return command == "login"
                ? "use: --username NAME" : "write USER:PASSWORD into a file and use: --creds FILE"
        case ("--force", "copy"), ("-f", "copy"), ("--overwrite", _), ("--force", "restore"):
            return "use: --on-existing overwrite"
        case ("--force", _), ("-f", _), ("--yes", _), ("-y", _):
            return "leave it out: this command does not ask"
        case ("--format", _): return "use: --output json"
        case ("-o", _): return "use: --output json, or redirect standard output to a file"
        case ("-i", _), ("--input", _): return "name the file without an option"
        case ("-n", "copy"), ("--no-clobber", _): return "use: --on-existing skip"
        case ("-n", _), ("--dryrun", _), ("--simulate", _): return "use: --dry-run"
        case ("-r", "backup"), ("-r", "restore"), ("-r", "snapshots"), ("-r", "forget"), ("-r", "prune"), ("--repo", _):
            return "name the backup's directory without an option"
        default: return everywhere[option]
        }
    }

    private static let everywhere: [String: String] = {
        var advice: [String: String] = [:]
        func add(_ text: String, _ options: String...) {
            for option in options { advice[option] = text }
        }
        add(
            "use: --tls-verify=false (any certificate, or plain HTTP) or --plain-http", "--insecure", "-k",
            "--insecure-registry", "--insecure-skip-tls-verify", "--skip-tls-verify", "--insecure-skip-verify",
            "--http",
            "--allow-insecure")
        add("use: --platform linux/ARCHITECTURE", "--override-arch", "--arch", "--architecture")
        add("use: --platform OS/ARCHITECTURE", "--override-os", "--os")
        add("use: --platform OS/ARCHITECTURE/VARIANT", "--override-variant", "--variant")
        add(
            "leave it out: digests are kept; --strict fails rather than change one", "--preserve-digests",
            "--preserve-digest")
        add("leave it out: all platforms are copied", "--all-platforms", "--multi-platform")
        add(
            "leave it out: signatures and other referrers are copied", "--recursive", "-r", "--referrers",
            "--digest-tags",
            "--with-referrers")
        add("leave it out: dray has no trust policy", "--insecure-policy", "--policy", "--disable-content-trust")
        add("leave it out: dray needs no temporary files", "--tmpdir", "--tmp-dir")
        add("leave it out: the pause between retries grows by itself; --retry-times sets their number", "--retry-delay")
        add("use: --retry-times NUMBER", "--retry", "--retries", "--max-retries")
        add("use: --jobs NUMBER", "-j", "--parallel", "--concurrency", "--max-concurrent", "--image-parallel-copies")
        add("use: --timeout TIME", "--command-timeout", "--connect-timeout")
        add("use: --ca-file FILE", "--cacert", "--ca", "--tls-ca", "--registry-cacert", "--tlscacert")
        add("use: --cert FILE", "--cert-file", "--tlscert")
        add("use: --key FILE", "--key-file", "--tlskey")
        add("use: --compression gzip or --compression zstd", "--dest-compress", "--dest-compress-format", "--compress")
        add("use: --compression gzip:LEVEL", "--dest-compress-level", "--compression-level", "--compression-format")
        add("use: --compression none", "--dest-decompress", "--decompress", "--uncompressed")
        add("use: --compression keep", "--dest-oci-accept-uncompressed-layers")
        add(
            "write USER:PASSWORD into a file and use: --src-creds FILE", "--src-username", "--src-password",
            "--src-registry-token", "--from-username", "--from-password")
        add(
            "write USER:PASSWORD into a file and use: --dest-creds FILE", "--dest-username", "--dest-password",
            "--dest-registry-token", "--to-username", "--to-password")
        add("use: --authfile FILE, with {} in the file", "--no-creds", "--src-no-creds", "--dest-no-creds")
        add("write the transport before the place: dray copy docker://HOST/REPOSITORY oci:DIR", "--src", "--dest")
        add("use: --prefix PATH", "--scoped")
        add("copy once, then use: dray tag IMAGE TAG", "--additional-tag", "--tag", "-t")
        add("use: --sign KEY, for an oci-archive:", "--sign-by", "--sign-by-sigstore-private-key")
        add("use: --verbose", "--trace", "--log-level", "-d", "-D", "-V")
        return advice
    }()
}
