import Foundation
import Testing

/// What `samples/air-gap` promises.
struct AirGapSampleTests {
    @Test func theWalkThroughWorks() throws {
        let walk = try Command.script("samples/air-gap/walk-through")
        #expect(walk.status == 0, "\(walk.text)\n\(walk.errors)")
        #expect(walk.lines.last == "the walk is done: the far side is what the near side is")
    }
}
