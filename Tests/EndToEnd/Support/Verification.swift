import Foundation
import Testing

/// What `dray verify` prints in JSON, of one target.
struct Verification: Decodable {
    struct Item: Decodable {
        struct Affected: Decodable {
            var image: String
            var platforms: [String]?
        }
        var kind: String
        var subject: String
        var problem: String
        var affected: [Affected]
        var affectedCount: Int
    }
    var sound: Bool
    var blobs: Int
    var damage: [Item]
    var remarks: [Item]
    var mended: [Item]
    var failures: [String]
    var quarantine: String?

    func names(_ kind: String) -> Set<String> {
        Set(damage.filter { $0.kind == kind }.flatMap(\.affected).map(\.image))
    }

    /// Verifies one target.
    static func run(
        _ arguments: String..., status: Int32, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Verification {
        let result = try Command.dray(["verify", "--output", "json"] + arguments)
        #expect(result.status == status, "\(result.errors)\(result.text)", sourceLocation: sourceLocation)
        return try #require(try JSONDecoder().decode([Verification].self, from: result.output).first)
    }
}
