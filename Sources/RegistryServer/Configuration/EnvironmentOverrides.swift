import ConfigurationFiles

/// Environment variables named `REGISTRY_` and a key's path, which say more than the file.
///
/// `REGISTRY_HTTP_ADDR=:5000` is `http.addr`. Values are YAML; a number indexes a list, the one after the last adds
/// to it. A variable comes after those that its name goes on from, so that `REGISTRY_STORAGE=filesystem` makes room
/// for `REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY`.
/// Source: distribution, configuration/parser.go.
struct EnvironmentOverrides {
    private struct Override {
        var variable: String
        /// In lower case, as keys are.
        var path: [String]
        var value: String

        var place: YAMLPlace { YAMLPlace(.variable(variable)) }
    }

    /// Why a variable cannot be applied.
    private enum Refusal: Error {
        case unknown
        case mistake(String)
    }

    private static let prefix = "REGISTRY_"
    /// These say where other files are: of `serve` its configuration, of the client its credentials.
    private static let others: Set<String> = ["REGISTRY_CONFIGURATION_PATH", "REGISTRY_AUTH_FILE"]
    /// The original calls these by other names in variables than in the file.
    private static let spellings = [
        "health": ["filecheckers": "file", "httpcheckers": "http", "tcpcheckers": "tcp"],
        "notifications": ["eventconfig": "events"],
    ]
    /// Other names are not even parsed: Kubernetes sets `REGISTRY_PORT` and its like beside a service `registry`.
    private static let sections: Set<String> = [
        "auth", "catalog", "compatibility", "health", "http", "log", "loglevel", "middleware", "notifications",
        "policy", "proxy", "redis", "reporting", "storage", "tags", "validation", "version",
    ]

    private let overrides: [Override]

    init(_ environment: [String: String]) {
        overrides = environment.compactMap { name, value in
            guard name.hasPrefix(Self.prefix), !Self.others.contains(name) else { return nil }
            let names = name.dropFirst(Self.prefix.count).split(separator: "_", omittingEmptySubsequences: false)
            var path = names.map { $0.lowercased() }
            if path.count > 1, let spelling = Self.spellings[path[0]]?[path[1]] { path[1] = spelling }
            return Override(variable: name, path: path, value: value)
        }.sorted { a, b in
            let difference = zip(a.path, b.path).first { $0 != $1 }
            guard let (a, b) = difference else { return (a.path.count, a.variable) < (b.path.count, b.variable) }
            if let a = Int(a), let b = Int(b) { return a < b }
            return a < b
        }
    }

    func apply(to root: inout YAMLNode, findings: Findings) {
        for override in overrides {
            do throws(Refusal) {
                try apply(override, to: &root, findings: findings)
            } catch {
                switch error {
                case .unknown: findings.ignored(variable: override.variable)
                case .mistake(let text): findings.mistake(at: override.place, "", text)
                }
            }
        }
    }

    private func apply(_ override: Override, to root: inout YAMLNode, findings: Findings) throws(Refusal) {
        guard Self.sections.contains(override.path[0]), override.path.count <= YAMLNode.depthLimit else {
            throw .unknown
        }
        var value: YAMLNode
        do {
            value = try YAMLNode(parsing: Array(override.value.utf8), from: .variable(override.variable))
        } catch {
            throw .mistake("the value is read as YAML, and is none: \(error.problem); quotes within it may help")
        }
        if value.isNull, !override.value.isEmpty, !["~", "null"].contains(override.value.lowercased()) {
            let text = "the value is read as YAML, where it means nothing at all: put it in quotes within the variable"
            findings.warn(at: override.place, "", text)
        }
        value.place = override.place
        try set(value, at: override.path[...], in: &root, override)
    }

    private func set(
        _ value: YAMLNode, at path: ArraySlice<String>, in node: inout YAMLNode, _ override: Override
    ) throws(Refusal) {
        guard let name = path.first else {
            node = value
            return
        }
        let rest = path.dropFirst()
        if node.isNull { node = YAMLNode(Int(name) == nil ? .mapping([]) : .sequence([]), at: override.place) }
        switch node.content {
        case .scalar: throw .unknown
        case .sequence(var nodes):
            guard let index = Int(name), index >= 0 else { throw .unknown }
            guard index <= nodes.count else {
                throw .mistake("there is no entry \(index): the list has \(nodes.count) entries, counted from 0")
            }
            if index == nodes.count { nodes.append(.null(at: override.place)) }
            try set(value, at: rest, in: &nodes[index], override)
            node.content = .sequence(nodes)
        case .mapping(var entries):
            // The last one counts where a key is there twice.
            var index = entries.lastIndex { $0.key.lowercased() == name } ?? entries.endIndex
            if index == entries.endIndex {
                entries.append(.init(key: name, place: override.place, value: .null(at: override.place)))
                index = entries.endIndex - 1
            }
            if rest.isEmpty { entries[index].place = override.place }
            if path.startIndex == 0, ["storage", "auth"].contains(name), !rest.isEmpty {
                entries[index].value.expandName()
            }
            try set(value, at: rest, in: &entries[index].value, override)
            node.content = .mapping(entries)
        }
    }
}
