package import ByteStreams
import ImageModel
import Synchronization

/// How far a transfer is: counters that any thread may move and any thread may look at.
package final class Progress: Sendable {
    private let plannedBytes = Atomic<Int64>(0)
    private let movedBytes = Atomic<Int64>(0)
    private let plannedImages = Atomic<Int>(0)
    private let doneImages = Atomic<Int>(0)
    private let remarks: @Sendable (String) -> Void
    private let events: @Sendable (TransferEvent) -> Void

    /// - Parameters:
    ///   - remarks: is told what a user should know and may not expect.
    ///   - events: is told what happens, from any thread.
    package init(
        remarks: @escaping @Sendable (String) -> Void = { _ in },
        events: @escaping @Sendable (TransferEvent) -> Void = { _ in }
    ) {
        self.remarks = remarks
        self.events = events
    }

    /// Bytes of the source that have to be read, as far as planned.
    package var planned: Int64 { plannedBytes.load(ordering: .relaxed) }
    /// Bytes of the source that were read.
    package var moved: Int64 { movedBytes.load(ordering: .relaxed) }

    package func plan(_ bytes: Int64) {
        var old = planned
        while true {
            let (done, found) = plannedBytes.weakCompareExchange(
                expected: old, desired: old.addingSaturated(bytes), ordering: .relaxed)
            if done { return }
            old = found
        }
    }
    package func move(_ bytes: Int64) { movedBytes.add(bytes, ordering: .relaxed) }
    /// Images that are to be copied, as far as planned.
    package var images: Int { plannedImages.load(ordering: .relaxed) }
    /// Images that were copied, skipped or found present.
    package var imagesDone: Int { doneImages.load(ordering: .relaxed) }

    package func plan(images: Int) { plannedImages.add(images, ordering: .relaxed) }
    package func remark(_ text: String) { remarks(text) }
    package func tell(_ event: TransferEvent) {
        if case .image = event { doneImages.add(1, ordering: .relaxed) }
        events(event)
    }
}

/// What happens in a transfer, as it happens.
package enum TransferEvent: Sendable {
    /// What is to be done is known: images that are not there yet, and bytes of sources to be read for them.
    case plan(images: Int, bytes: Int64, disk: CopyReport.Disk?)
    /// An image is done: copied, skipped, or there already.
    case image(CopyReport.Image)
    case failure(CopyReport.Failure)
}

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
