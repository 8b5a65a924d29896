import Foundation
import Testing

/// `Tests/run-attacks`: hostile input through every transport, and hostile requests, each with the end that it has to take.
struct AttackTests {
    @Test func everyAttackEndsAsListed() throws {
        let result = try Command.script("Tests/run-attacks", Samples.isLong ? ["--long"] : [])
        #expect(result.status == 0, "\(result.text)\(result.errors)")
        let count = try #require(result.lines.last?.firstMatch(of: /attacks, (\d+) rows, 0 failed/)?.1)
        #expect(try #require(Int(count)) > 600)
    }
}
