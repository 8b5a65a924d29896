/// What a request may need a token for. Source: distribution's token scope documentation.
package struct Scope: Hashable, Sendable, CustomStringConvertible {
    package var resources: [String]

    static let none = Scope(resources: [])
    static let catalog = Scope(resources: ["registry:catalog:*"])
    package static func pull(_ repository: String) -> Scope { Scope(resources: ["repository:\(repository):pull"]) }
    package static func push(_ repository: String) -> Scope { Scope(resources: ["repository:\(repository):pull,push"]) }
    static func delete(_ repository: String) -> Scope { Scope(resources: ["repository:\(repository):delete"]) }
    /// One pair of repositories at a time: a token for all that was ever mounted from would grow without end.
    static func mount(_ repository: String, from origin: String) -> Scope {
        Scope(resources: ["repository:\(repository):pull,push", "repository:\(origin):pull"])
    }

    /// This and what a challenge asks for.
    package func union(_ text: String?) -> Scope {
        var all = resources
        for resource in (text ?? "").split(separator: " ").map(String.init) where !all.contains(resource) {
            // The same resource with other actions is one scope of both.
            if let end = resource.lastIndex(of: ":"),
                let same = all.firstIndex(where: { $0.hasPrefix(resource[...end]) })
            {
                let actions = Set(all[same].dropFirst(end.utf16Offset(in: resource) + 1).split(separator: ","))
                    .union(resource[resource.index(after: end)...].split(separator: ","))
                all[same] = resource[...end] + actions.sorted().joined(separator: ",")
            } else {
                all.append(resource)
            }
        }
        return Scope(resources: all)
    }

    package var description: String { resources.joined(separator: " ") }
}
