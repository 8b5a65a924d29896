import NIOPosix

/// Threads for work that blocks or computes, so that the cooperative pool never does.
package final class Workers: Sendable {
    /// The processors of this machine.
    package static let coreCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// Moves blobs: mostly waits.
    package static let blobs = Workers(threads: 16)
    /// Waits for the locks of stores: reading goes on meanwhile.
    package static let commits = Workers(threads: 16)
    /// Waits for the content of other machines, for minutes if need be.
    package static let fetches = Workers(threads: 32)
    /// Waits for other machines to answer, for seconds.
    package static let requests = Workers(threads: 32)
    /// Waits for lists of other machines, and parses them: gives way to whoever waits for less.
    package static let lists = Workers(threads: 8, niceness: 5)
    /// Hashes passwords: computes for long each time, so one processor is left for everything else.
    package static let passwords = Workers(threads: max(1, coreCount - 1), niceness: 5)
    /// Parses and encodes large documents of clients: computes for up to a second each time. A document takes several
    /// times its size in memory meanwhile, so there are few of these threads.
    package static let documents = Workers(threads: max(1, min(4, coreCount - 1)), niceness: 5)
    /// Compresses blocks: never waits for anything, so whoever waits for it gets on.
    static let compression = Workers(threads: coreCount)

    /// Pieces of work that run at once.
    package let count: Int
    private let pool: NIOThreadPool
    /// By how much these threads give way to others, as nice(1) counts it.
    private let niceness: Int32

    private init(threads: Int, niceness: Int32 = 0) {
        count = threads
        self.niceness = niceness
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// Runs blocking work and waits for it without blocking.
    package func run<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
        try await pool.runIfActive { [niceness] in
            // On Linux this concerns the calling thread alone. Where it is forbidden, the work is done all the same.
            if niceness > 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
            return try body()
        }
    }

    /// Starts work that nobody awaits.
    package func submit(_ body: @Sendable @escaping () -> Void) {
        pool.submit { _ in body() }
    }
}
