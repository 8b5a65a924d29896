import ByteStreams
import CLinux
import Glibc

/// Where the program starts.
@main
enum Entry {
    /// Not asynchronous itself: signals are to be blocked before there is any other thread.
    static func main() {
        // Buffers that were given back go back to the system, and do not stay in a heap of each thread.
        mallopt(M_MMAP_THRESHOLD, 256 << 10)
        Interruption.exitCleanly()
        let arguments = Array(CommandLine.arguments.dropFirst())
        Task.detached { Interruption.end(with: await Launcher.run(arguments).code) }
        // Not dispatchMain, which would let signals in again.
        while true { pause() }
    }
}
