import Glibc
import NIOPosix

/// Threads for work that blocks or computes, so that the cooperative pool never does.
public final class Workers: Sendable {
    /// The processors of this machine.
    public static let coreCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// Moves blobs: mostly waits.
    public static let blobs = Workers(threads: 16)
    /// Waits for the locks of stores: reading goes on meanwhile.
    package static let commits = Workers(threads: 16)
    /// Waits for other machines, for minutes if need be.
    package static let fetches = Workers(threads: 16)
    /// Hashes passwords: computes for long each time, so one processor is left for everything else.
    package static let passwords = Workers(threads: max(1, coreCount - 1))
    /// Compresses blocks: never waits for anything, so whoever waits for it gets on.
    static let compression = Workers(threads: coreCount)

    private let pool: NIOThreadPool

    private init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// Runs blocking work and waits for it without blocking.
    public func run<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
        try await pool.runIfActive(body)
    }

    /// Starts work that nobody awaits.
    package func submit(_ body: @Sendable @escaping () -> Void) {
        pool.submit { _ in body() }
    }
}
