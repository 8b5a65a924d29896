/// Why nothing was deleted: what cannot be read might refer to any blob.
public struct CollectionRefused: Error, CustomStringConvertible {
    /// Each names what is wrong, the cause, and what to do.
    public let problems: [String]

    public var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return "nothing is deleted while something cannot be read that may refer to blobs: \(count)\n"
            + problems.joined(separator: "\n")
    }
}
