import Foundation

/// What SwiftPM's `Package.resolved` says, or a lock without revisions.
struct ResolvedPackages: Codable {
    struct Pin: Codable {
        struct State: Codable {
            var version: String?
            var revision: String?
        }
        var identity: String
        var kind: String
        var location: String
        var state: State
    }
    var pins: [Pin]
    var version: Int

    init(_ path: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(filePath: path)))
    }

    /// By identity, of the packages that have one.
    var versions: [String: String] {
        Dictionary(uniqueKeysWithValues: pins.compactMap { pin in pin.state.version.map { (pin.identity, $0) } })
    }
}
