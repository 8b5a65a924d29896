import Glibc
import NIOPosix

/// Writes lines to a descriptor, one after another, on a thread of its own: whoever logs does not wait.
final class LogWriter: Sendable {
    static let standardOutput = LogWriter(STDOUT_FILENO)
    static let standardError = LogWriter(STDERR_FILENO)

    private let descriptor: Int32
    private let thread = NIOThreadPool(numberOfThreads: 1)

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        thread.start()
    }

    func write(_ line: String) {
        thread.submit { [descriptor] _ in
            var line = line + "\n"
            line.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while !rest.isEmpty {
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    // Nobody reads the log any more: the registry goes on.
                    if count < 0, errno != EINTR { return }
                    rest = UnsafeRawBufferPointer(rebasing: rest[max(0, count)...])
                }
            }
        }
    }

    /// Waits until all is written.
    func flush() async { try? await thread.runIfActive {} }
}
