import Glibc

/// That a thread uses: others may be busy.
package func processorTime(of body: () throws -> Void) rethrows -> Duration {
    func now() -> Duration {
        // A timespec, whose members Swift takes for those of some other module that has it, too.
        var time = (seconds: 0, nanoseconds: 0)
        withUnsafeMutableBytes(of: &time) { bytes in
            if let base = bytes.baseAddress {
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, base.assumingMemoryBound(to: timespec.self))
            }
        }
        return .seconds(time.seconds) + .nanoseconds(time.nanoseconds)
    }
    let start = now()
    try body()
    return now() - start
}
