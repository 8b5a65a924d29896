/// Somewhere that dray may change.
public protocol ChangeablePlace: Sendable {
    /// What a user has to know, or do, now that something there has changed.
    func advice() async -> [String]
}

extension ChangeablePlace {
    public func advice() async -> [String] { [] }
}
