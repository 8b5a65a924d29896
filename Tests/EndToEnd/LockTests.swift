import Testing

/// Locks that somebody else holds.
struct LockTests {
    @Test func whoWaitsSaysWhichFileIsLockedAndByWhom() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, image: "sample/app:1.0")
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", archive, store)
        let gate = "\(scratch["store"])/.dray/lock/gate"
        let result = try Command.shell(
            "flock \(gate) sleep 5 & sleep 0.5; $DRAY tag \(store):sample/app:1.0 2")
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.errors.split(separator: "\n").filter { $0.contains("locked by process") }
        #expect(lines.count == 1 && lines[0].contains(gate), "\(result.errors)")
    }
}
