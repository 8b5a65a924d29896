import Dispatch
import Synchronization

/// The way from worker threads into asynchronous code.
enum Blocking {
    private final class Outcome<T: Sendable>: Sendable {
        let result = Mutex<Result<T, any Error>?>(nil)
    }

    /// Runs the asynchronous code on threads of its own, so that it goes on even while every thread of the cooperative
    /// pool is blocked.
    private final class Threads: TaskExecutor {
        static let shared = Threads()
        private let queue = DispatchQueue(label: "ObjectStorage", attributes: .concurrent)

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }

    /// Blocks this thread until `body` ends. Tasks must not call it: they would block a thread of the cooperative pool.
    static func wait<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) throws -> T {
        let outcome = Outcome<T>()
        let ended = DispatchSemaphore(value: 0)
        Task.detached(executorPreference: Threads.shared) {
            let result: Result<T, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            outcome.result.withLock { $0 = result }
            ended.signal()
        }
        ended.wait()
        guard let result = outcome.result.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}
