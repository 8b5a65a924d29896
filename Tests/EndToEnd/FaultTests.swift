import Foundation
import Testing

/// What becomes of everything when the system refuses something, the network garbles it, or the machine stops.
@Suite(.serialized) struct FaultTests {
    /// Each call of small runs fails in turn; here one case in so many, always the same ones.
    @Test func aCallThatFailsCostsNothingButItsRun() throws {
        let run = try Command.script("Tests/inject-faults", [Command.dray, "--share", Samples.isLong ? "1" : "40"])
        print(run.lines.last ?? "")
        #expect(run.status == 0, "\(run.text)\(run.errors)")
    }

    /// Pushes, pulls, deletes, copies, collections, verifications and kills, all at once on one store.
    @Test func mixedLoadLosesNothing() throws {
        let run = try Command.script("Tests/mixed-load", [Command.dray, "--seconds", Samples.isLong ? "14400" : "20"])
        print(run.lines.last ?? "")
        #expect(run.status == 0, "\(run.text)\(run.errors)")
    }
}
