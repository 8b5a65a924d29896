import Glibc
import Synchronization

/// The files that are removed, and the work that is still done, when the process is told to stop.
package enum Interruption {
    private struct State {
        /// Names in open directories, by their paths.
        var files: [String: (name: String, directory: DirectoryHandle)] = [:]
        var lastWork: [Int: @Sendable () -> Void] = [:]
        var lastWorkCount = 0
        /// The thread that ends the process.
        var ender: pthread_t?
    }

    private static let state = Mutex(State())
    private static let handler = Mutex<(@Sendable () -> Void)?>(nil)
    /// The handler of hang-ups, which then do not end the process.
    private static let hangUpHandler = Mutex<(@Sendable () -> Void)?>(nil)
    /// Whether hang-ups were ignored when the process began, as nohup(1) has it.
    private static let ignoresHangUps = Mutex(false)
    /// What else is to be undone, such as a terminal that shows nothing.
    private static let ending = Mutex<(@Sendable () -> Void)?>(nil)

    /// Makes a file that is taken away unless it is unregistered. Whoever takes away waits until it is there.
    ///
    /// - Returns: what `make` does.
    package static func register<T>(
        _ name: String, in directory: DirectoryHandle, making make: () throws -> sending T
    ) throws -> T {
        try change { state in
            let made = try make()
            state.files["\(directory.path)/\(name)"] = (name, directory)
            return made
        }
    }

    package static func unregister(_ name: String, in directory: DirectoryHandle) {
        change { $0.files["\(directory.path)/\(name)"] = nil }
    }

    /// Work that is still done when the process is told to stop, such as giving a whole file its name.
    ///
    /// - Returns: its number, for `takeBack`.
    package static func register(lastWork: @escaping @Sendable () -> Void) -> Int {
        change { state in
            state.lastWorkCount += 1
            state.lastWork[state.lastWorkCount] = lastWork
            return state.lastWorkCount
        }
    }

    /// Removes the work from the list: the caller does it itself, or leaves it undone.
    package static func takeBack(lastWork number: Int) { change { $0.lastWork[number] = nil } }

    /// Once the process ends, this returns on the thread that ends it, and never on another one: nothing new may come in
    /// between.
    private static func change<T>(_ body: (inout State) throws -> sending T) rethrows -> sending T {
        let result: T? = try state.withLock { state in
            guard state.ender.map({ pthread_equal($0, pthread_self()) != 0 }) ?? true else { return nil }
            return try body(&state)
        }
        if let result { return result }
        while true { pause() }
    }

    /// - Parameter action: done when the process is told to stop; nil when it is no longer needed.
    package static func whenStopped(_ action: (@Sendable () -> Void)?) { ending.withLock { $0 = action } }

    /// From now on, an interrupt, a hang-up or a request to terminate removes what is half-written and
    /// ends the process with 128 and the signal's number. A closed pipe is an error of the write, no signal.
    ///
    /// Call it first, before there are other threads.
    package static func exitCleanly() {
        signal(SIGPIPE, SIG_IGN)
        var hangUp = sigaction()
        sigaction(SIGHUP, nil, &hangUp)
        let isIgnored = unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self) == 1
        ignoresHangUps.withLock { $0 = isIgnored }
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        pthread_create(&thread, nil, { _ in Interruption.wait() }, nil)
    }

    /// The next signal calls this, on a thread of its own, and ends nothing; the one after it ends the process.
    package static func handleOnce(_ body: @escaping @Sendable () -> Void) { handler.withLock { $0 = body } }

    /// From now on, each hang-up calls this, on a thread of its own, and ends nothing.
    package static func handleHangUps(_ body: @escaping @Sendable () -> Void) { hangUpHandler.withLock { $0 = body } }

    /// Waits for a signal that is to end the process.
    private static func nextEnd(_ signals: inout sigset_t) -> Int32 {
        var number: Int32 = 0
        while true {
            sigwait(&signals, &number)
            guard number == SIGHUP else { return number }
            if let handle = hangUpHandler.withLock({ $0 }) {
                handle()
            } else if !ignoresHangUps.withLock({ $0 }) {
                return number
            }
        }
    }

    private static func wait() -> Never {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        var number = nextEnd(&signals)
        let handle = handler.withLock { handler in
            defer { handler = nil }
            return handler
        }
        if let handle {
            handle()
            number = nextEnd(&signals)
        }
        // What is said at the end may be said to somebody who does not listen.
        endInASecond(128 + number)
        end(after: {
            ending.withLock { $0 }?()
            for work in change({ Array($0.lastWork.values) }) { work() }
        }) { _exit(128 + number) }
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
    package static func end(with status: Int32) -> Never { end { exit(status) } }

    private static func end(after action: () -> Void = {}, _ exit: () -> Never) -> Never {
        change { $0.ender = pthread_self() }
        action()
        for (name, directory) in change({ Array($0.files.values) }) { unlinkat(directory.descriptor, name, 0) }
        exit()
    }
}
