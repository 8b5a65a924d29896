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
        guard let text else { return self }
        // By all but the actions: the same resource with other actions is one scope of both.
        var places: [Substring: Int] = [:]
        var all: [(name: Substring, actions: [Substring])] = []
        for resource in resources.map({ $0[...] }) + text.split(separator: " ") {
            let end = resource.lastIndex(of: ":").map { resource.index(after: $0) } ?? resource.endIndex
            let actions = resource[end...].split(separator: ",")
            if let place = places[resource[..<end]] {
                all[place].actions += actions
            } else {
                places[resource[..<end]] = all.count
                all.append((resource[..<end], actions))
            }
        }
        return Scope(resources: all.map { $0.name + Set($0.actions).sorted().joined(separator: ",") })
    }

    package var description: String { resources.joined(separator: " ") }
}
