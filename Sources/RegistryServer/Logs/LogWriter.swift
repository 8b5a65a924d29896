import ByteStreams
import NIOPosix
import Synchronization

/// Writes lines to a descriptor, one after another, on a thread of its own: whoever logs does not wait. Where nobody
/// reads what is written, later lines are dropped, and counted.
final class LogWriter: Sendable {
    static let standardOutput = LogWriter(STDOUT_FILENO)
    static let standardError = LogWriter(STDERR_FILENO)

    private let descriptor: Int32
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let queue = Mutex(Queue())

    private struct Queue {
        /// Bytes of lines that wait.
        var waiting = 0
        var dropped = 0
        static let limit = 4 << 20
    }

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        thread.start()
    }

    func write(_ line: String) {
        let size = line.utf8.count
        let fits = queue.withLock { queue in
            guard queue.waiting + size <= Queue.limit else {
                queue.dropped += 1
                return false
            }
            queue.waiting += size
            return true
        }
        guard fits else { return }
        thread.submit { [self] _ in
            put(line)
            let dropped = queue.withLock { queue in
                queue.waiting -= size
                defer { queue.dropped = 0 }
                return queue.dropped
            }
            if dropped > 0 { put("\(dropped) lines of the log were dropped: nobody read it") }
        }
    }

    private func put(_ line: String) {
        var line = line + "\n"
        // If nobody reads the log any more, the registry goes on.
        line.withUTF8 { try? writeAll(UnsafeRawBufferPointer($0), to: descriptor, path: "log") }
    }

    /// Waits until all is written.
    func flush() async { try? await thread.runIfActive {} }
}
