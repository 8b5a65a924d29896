package import ByteStreams
import Synchronization

/// Tells the progress what is read from the source, and stops a reader whose task was cancelled.
package final class MeteredSource: ByteSource {
    private let upstream: any ByteSource
    private let progress: Progress
    private let stop: StopFlag

    package init(_ upstream: any ByteSource, progress: Progress, stop: StopFlag) {
        self.upstream = upstream
        self.progress = progress
        self.stop = stop
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if stop.isRaised { throw CancellationError() }
        let count = try upstream.read(into: buffer)
        progress.move(Int64(count))
        return count
    }
}

/// Raised when a task is cancelled, for work on threads that know no tasks.
package final class StopFlag: Sendable {
    private let raised = Atomic<Bool>(false)

    package var isRaised: Bool { raised.load(ordering: .relaxed) }
    func raise() { raised.store(true, ordering: .relaxed) }
}

extension Workers {
    /// Runs blocking work that stops when the task is cancelled.
    package func run<T: Sendable>(stoppable body: @Sendable @escaping (StopFlag) throws -> T) async throws -> T {
        let stop = StopFlag()
        return try await withTaskCancellationHandler {
            try await run { try body(stop) }
        } onCancel: {
            stop.raise()
        }
    }
}
