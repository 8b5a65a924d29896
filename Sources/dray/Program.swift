import ByteStreams
import CLinux
import Glibc

/// Where the program starts.
@main
enum Program {
    /// Not asynchronous itself: signals are to be blocked before there is any other thread.
    static func main() {
        // Buffers that were given back go back to the system, and do not stay in a heap of each thread.
        // Heaps of threads that have ended are full of holes: no more of them than can be worked on at a time.
        dray_tune_malloc(256 << 10, Int32(max(2, Workers.coreCount)))
        let arguments = arguments()
        // Not before: another program gets the limit that was set for it.
        DescriptorLimit.raise()
        Interruption.exitCleanly()
        Task.detached { Interruption.end(with: await Launcher.run(arguments).rawValue) }
        // Not dispatchMain, which would let signals in again.
        while true { pause() }
    }

    /// The words for dray; where they name another program, this process becomes that one.
    private static func arguments() -> [String] {
        switch RegistryProgram.line(CommandLine.arguments, commands: RootCommand.commandNames) {
        case .dray(let words): return words
        case .program(let words):
            StatusLine().print("dray: error: \(Printable.line(RegistryProgram.replaceProcess(with: words)))")
            exit(ExitStatus.usage.rawValue)
        }
    }
}
