import Glibc
import ImageModel
import Synchronization

/// The threads that wait for locks of other processes. After a few seconds the user is told which file is locked, and a wait
/// that has a limit ends with it.
///
/// flock(2) knows no time limit. So a thread watches the others, and interrupts calls by a signal that does nothing else.
package enum LockWaits {
    private struct Wait {
        var thread: pthread_t
        var descriptor: Int32
        var path: String
        var start: ContinuousClock.Instant
        var patience: Duration?

        var isOver: Bool { patience.map { ContinuousClock.now - start >= $0 } ?? false }
    }

    private struct State {
        var waits: [Int: Wait] = [:]
        var next = 0
        /// Paths that were reported and are still waited for.
        var reported: Set<String> = []
        var isWatched = false
    }

    /// Time after which a wait is reported.
    private static let silence = Duration.seconds(3)
    private static let state = Mutex(State())
    private static let reporter = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// - Parameter report: is told once of each file that is waited for.
    package static func report(to report: @escaping @Sendable (String) -> Void) { reporter.withLock { $0 = report } }

    /// Locks what is open.
    ///
    /// - Parameters:
    ///   - operation: `LOCK_SH` or `LOCK_EX`.
    ///   - patience: time to wait; nil for as long as it takes.
    /// - Throws: `ImageError.io` with `EWOULDBLOCK` when that time is over.
    static func wait(
        for descriptor: Int32, _ operation: Int32, _ path: String, _ patience: Duration?
    ) throws(ImageError) {
        let wait = Wait(
            thread: pthread_self(), descriptor: descriptor, path: path, start: .now, patience: patience)
        _ = letsSignalsThrough
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGURG)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        let (number, isFirst) = state.withLock { state in
            state.next += 1
            state.waits[state.next] = wait
            defer { state.isWatched = true }
            return (state.next, !state.isWatched)
        }
        defer { end(number, path) }
        if isFirst { beginWatching() }
        while flock(descriptor, operation) != 0 {
            let code = errno
            guard code == EINTR else { throw .io(operation: "lock", path: path, errno: code) }
            if wait.isOver { throw .io(operation: "lock", path: path, errno: EWOULDBLOCK) }
        }
    }

    private static func end(_ number: Int, _ path: String) {
        state.withLock { state in
            state.waits[number] = nil
            if !state.waits.values.contains(where: { $0.path == path }) { state.reported.remove(path) }
        }
    }

    /// A signal that is ignored interrupts nothing; one with a handler does, unless it says that calls begin again.
    private static let letsSignalsThrough: Void = {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGURG, &action, nil)
    }()

    private static func beginWatching() {
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
            while LockWaits.watch() { usleep(100_000) }
            return nil
        }
        guard pthread_create(&thread, nil, body, nil) == 0 else {
            // Without it waits take as long as they take; the next one tries again.
            state.withLock { $0.isWatched = false }
            return
        }
        pthread_detach(thread)
    }

    /// Reports waits that have become long, and interrupts those that have lasted for long enough.
    ///
    /// - Returns: whether there is anything left to watch.
    private static func watch() -> Bool {
        let (isNeeded, news) = state.withLock { state -> (Bool, [String]) in
            var news: [String] = []
            for wait in state.waits.values {
                // Again if it comes too early, before the call: the wait is registered until the call is over.
                if wait.isOver { pthread_kill(wait.thread, SIGURG) }
                guard ContinuousClock.now - wait.start >= silence, state.reported.insert(wait.path).inserted else {
                    continue
                }
                // While it is registered, its descriptor is open.
                news.append("\(wait.path): locked by \(holders(of: wait.descriptor)); waiting until it is free")
            }
            state.isWatched = !state.waits.isEmpty
            return (state.isWatched, news)
        }
        if !news.isEmpty, let report = reporter.withLock({ $0 }) { news.forEach(report) }
        return isNeeded
    }

    /// The processes that have a lock, as far as proc(5) tells.
    private static func holders(of descriptor: Int32) -> String {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return "another process" }
        let device = UInt64(status.st_dev)
        let major = device >> 8 & 0xfff | device >> 32 & ~0xfff
        let minor = device & 0xff | device >> 12 & ~0xff
        var ids: [Int32] = []
        for line in lockTable().split(separator: "\n") {
            // 1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF
            let words = line.split(separator: " ")
            guard words.count > 5, words[1] == "FLOCK", let id = Int32(words[4]), id > 0, id != getpid() else {
                continue
            }
            let place = words[5].split(separator: ":")
            guard place.count == 3, UInt64(place[0], radix: 16) == major, UInt64(place[1], radix: 16) == minor,
                UInt64(place[2]) == UInt64(status.st_ino), !ids.contains(id),
                // The one that took the lock may have left it to another.
                kill(id, 0) == 0 || errno == EPERM
            else { continue }
            ids.append(id)
        }
        if ids.isEmpty { return "another process" }
        let shown = ids.prefix(3).map(String.init).joined(separator: ", ") + (ids.count > 3 ? " and others" : "")
        return (ids.count == 1 ? "process " : "processes ") + shown
    }

    private static func lockTable() -> String {
        let file = open("/proc/locks", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while text.count < 4 << 20 {
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
