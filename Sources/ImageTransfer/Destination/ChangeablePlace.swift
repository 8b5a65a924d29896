/// Somewhere that dray may change.
package protocol ChangeablePlace: Sendable {
    /// What a user has to know, or do, now that something there has changed.
    func advice() async -> [String]
}

extension ChangeablePlace {
    package func advice() async -> [String] { [] }
}
