import ByteStreams
import Glibc

/// Where the program starts.
@main
enum Entry {
    /// Not asynchronous itself: signals are to be blocked before there is any other thread.
    static func main() {
        Interruption.exitCleanly()
        let arguments = Array(CommandLine.arguments.dropFirst())
        Task.detached { exit(await Launcher.run(arguments).code) }
        // Not dispatchMain, which would let signals in again.
        while true { pause() }
    }
}
