import ImageModel
import ImageTransfer
import Synchronization

/// A copy, and what it told its user on the way.
struct ToldCopy: Sendable {
    var report: CopyReport
    var remarks: [String]
    /// Messages of the failures that were told as events.
    var failures: [String]

    /// The only image of the report.
    var image: CopyReport.Image? { report.images.count == 1 ? report.images[0] : nil }

    /// Collects what is told.
    private final class Listener: Sendable {
        let remarks = Mutex<[String]>([])
        let failures = Mutex<[String]>([])
    }

    /// Copies everything that is selected. Messages advise the options of the command line.
    init(
        _ selections: [CopySelection], to place: any ImageDestination,
        _ change: (inout CopyOptions) -> Void = { _ in }
    ) async throws {
        var options = CopyOptions()
        options.names.prefix = "--prefix"
        options.names.name = "--name"
        options.names.onExisting = "--on-existing"
        options.names.platform = "--platform"
        options.names.format = "--format"
        options.names.compression = "--compression"
        options.names.base = "--base"
        change(&options)
        let listener = Listener()
        let progress = Progress(
            remarks: { remark in listener.remarks.withLock { $0.append(remark) } },
            events: { event in
                guard case .failure(let failure) = event else { return }
                listener.failures.withLock { $0.append("\(failure.error)") }
            })
        report = try await Copier(options: options, progress: progress).copy(selections, to: place)
        remarks = listener.remarks.withLock(\.self)
        failures = listener.failures.withLock(\.self)
    }

    init(
        _ source: any ImageSource, to place: any ImageDestination, _ change: (inout CopyOptions) -> Void = { _ in }
    ) async throws {
        try await self.init([CopySelection(source: source)], to: place, change)
    }

    /// The message of the error that a copy ends with; nil if it ends well.
    static func error(
        _ source: any ImageSource, to place: any ImageDestination, _ change: (inout CopyOptions) -> Void = { _ in }
    ) async -> String? {
        do {
            _ = try await ToldCopy(source, to: place, change)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
