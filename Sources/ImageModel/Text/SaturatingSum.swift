extension Int64 {
    /// The sum, or the largest number there is: sizes that others claim may add up to more.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
