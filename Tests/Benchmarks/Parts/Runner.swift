import Benchmark
import Dispatch

/// What the benchmark package's plugin would write, but for the main thread: it waits here rather than in
/// `dispatchMain`, in which valgrind 3.19 fails.
@main
enum Runner {
    static func main() {
        let end = DispatchSemaphore(value: 0)
        Task.detached {
            await BenchmarkRunner.setupBenchmarkRunner(registerBenchmarks: registerBenchmarks)
            end.signal()
        }
        end.wait()
    }
}
