import Glibc
import Synchronization

/// Files to be taken away when the process is told to stop.
public enum Interruption {
    private static let paths = Mutex<Set<String>>([])
    private static let handler = Mutex<(@Sendable () -> Void)?>(nil)
    /// What else is to be undone, such as a terminal that shows nothing.
    private static let ending = Mutex<(@Sendable () -> Void)?>(nil)

    /// Makes a file that is taken away unless it is unregistered. Whoever takes away waits until it is there.
    ///
    /// - Returns: what `make` does.
    package static func register<T>(_ path: String, making make: () throws -> sending T) throws -> T {
        try paths.withLock { paths in
            let made = try make()
            paths.insert(path)
            return made
        }
    }

    package static func unregister(_ path: String) { _ = paths.withLock { $0.remove(path) } }

    /// - Parameter action: done when the process is told to stop; nil when it is no longer needed.
    public static func whenStopped(_ action: (@Sendable () -> Void)?) { ending.withLock { $0 = action } }

    /// From now on, an interrupt, a hang-up or a request to terminate removes what is half-written and
    /// ends the process with 128 and the signal's number. A closed pipe is an error of the write, no signal.
    ///
    /// Call it first, before there are other threads.
    public static func exitCleanly() {
        signal(SIGPIPE, SIG_IGN)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        pthread_create(&thread, nil, { _ in Interruption.wait() }, nil)
    }

    /// The next signal calls this, on a thread of its own, and ends nothing; the one after it ends the process.
    public static func handleOnce(_ body: @escaping @Sendable () -> Void) { handler.withLock { $0 = body } }

    private static func wait() -> Never {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        var number: Int32 = 0
        sigwait(&signals, &number)
        let handle = handler.withLock { handler in
            defer { handler = nil }
            return handler
        }
        if let handle {
            handle()
            sigwait(&signals, &number)
        }
        end {
            // What is said at the end may be said to somebody who does not listen.
            endInASecond(128 + number)
            ending.withLock { $0 }?()
            _exit(128 + number)
        }
    }

    /// Ends the process in a second, whatever else it waits for.
    private static func endInASecond(_ status: Int32) {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { status in
                sleep(1)
                _exit(Int32(Int(bitPattern: status)))
            }, UnsafeMutableRawPointer(bitPattern: Int(status)))
    }

    /// Ends the process, and takes away what is still half-written: by work that was given up and has not noticed yet.
    public static func end(with status: Int32) -> Never { end { exit(status) } }

    private static func end(_ exit: () -> Never) -> Never {
        // Held to the end: nothing new may come in between.
        paths.withLock { (paths: inout sending Set<String>) -> Void in
            for path in paths { unlink(path) }
            exit()
        }
        fatalError("unreachable: the process has ended")
    }
}
