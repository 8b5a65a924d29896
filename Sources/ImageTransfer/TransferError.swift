/// Why something could not be moved, in the terms of what to do about it. The message says what was tried,
/// on what, what was found and what helps.
public enum TransferError: Error, Equatable, CustomStringConvertible {
    /// What was read is not what it claims to be.
    case damaged(String)
    case notFound(String)
    /// A combination that cannot be, or that was asked to be refused.
    case refused(String)

    public var description: String {
        switch self {
        case .damaged(let text), .notFound(let text), .refused(let text): text
        }
    }
}
