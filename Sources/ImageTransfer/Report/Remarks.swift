import Synchronization

/// Tells what a user should know about single images, without a line for each of a thousand.
final class Remarks: Sendable {
    /// How many of a kind are told one by one.
    private static let most = 3

    private let progress: Progress
    private let counts = Mutex<[String: Int]>([:])

    init(_ progress: Progress) { self.progress = progress }

    /// - Parameter reason: the same for all that are alike.
    func say(_ text: String, _ reason: String) {
        let count = counts.withLock { counts in
            counts[reason, default: 0] += 1
            return counts[reason] ?? 0
        }
        if count <= Self.most { progress.remark("\(text): \(reason)") }
    }

    /// How many more there were.
    func sumUp() {
        let counts = counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
        for (reason, count) in counts.sorted(by: { $0.key < $1.key }) where count > Self.most {
            let more = count - Self.most
            progress.remark("the same holds for \(more) more image\(more == 1 ? "" : "s"): \(reason)")
        }
    }
}
