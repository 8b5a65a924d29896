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
        // By all but the actions: the same resource with other actions is one scope of both. Bytes, because what
        // Unicode joins to a separator would hide it.
        let (space, colon, comma) = (UInt8(ascii: " "), UInt8(ascii: ":"), UInt8(ascii: ","))
        var places: [Substring: Int] = [:]
        var all: [(name: Substring, actions: Set<Substring>)] = []
        for resource in resources.map({ $0[...] }) + text.utf8.split(separator: space).map({ Substring($0) }) {
            let end = resource.utf8.lastIndex(of: colon).map { resource.utf8.index(after: $0) } ?? resource.endIndex
            let actions = resource.utf8[end...].split(separator: comma).map { Substring($0) }
            if let place = places[resource[..<end]] {
                all[place].actions.formUnion(actions)
            } else {
                places[resource[..<end]] = all.count
                all.append((resource[..<end], Set(actions)))
            }
        }
        return Scope(resources: all.map { $0.name + $0.actions.sorted().joined(separator: ",") })
    }

    package var description: String { resources.joined(separator: " ") }
}
