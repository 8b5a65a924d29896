import Glibc
import ImageModel
import ImageTransfer

/// What dray's exit code says.
enum ExitStatus: Int32, Sendable {
    case done = 0
    case failed = 1
    /// With `--keep-going`: some images arrived, some did not.
    case partial = 2
    /// What was read is not what it claims to be.
    case damaged = 3
    case notFound = 4
    case unauthorised = 5
    case usage = 64

    init(for error: any Error) {
        self =
            switch (error as? ImageError)?.code {
            case .damaged, .limit, .invalidDocument, .foreign: .damaged
            case .notFound, .otherPlatform, .system(ENOENT): .notFound
            case .unauthorised: .unauthorised
            case .usage: .usage
            case .refused, .service, .system, nil: .failed
            }
    }

    init(_ report: CopyReport) {
        let failures = report.failures.map { ExitStatus(for: $0.error) }
        if failures.isEmpty {
            // A dry run foretells how the run would end.
            self = report.isDryRun && report.disks.contains { $0.problem != nil } ? .failed : .done
        } else if !report.images.isEmpty {
            self = .partial
        } else {
            self = failures.allSatisfy { $0 == failures[0] } ? failures[0] : .failed
        }
    }
}
