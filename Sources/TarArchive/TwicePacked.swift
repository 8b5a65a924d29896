import ByteStreams

/// Watches compressed members of a compressed archive. What is compressed does not become much smaller by being
/// compressed again, unless somebody wants a few kilobytes to inflate to gigabytes, twice.
struct TwicePacked {
    private let limit: InflationLimit
    private let name: String
    private var isInside = false
    private var consumedBefore: Int64 = 0
    /// Of all compressed members together.
    private var consumed: Int64 = 0
    private var produced: Int64 = 0

    /// - Parameter limit: of the archive; a hundredth of its ratio is allowed here.
    init(_ limit: InflationLimit, name: String) {
        self.limit = InflationLimit(ratio: max(1, limit.ratio / 100), allowance: 1 << 20)
        self.name = "what is compressed in \(name) was compressed twice: it"
    }

    /// Notes the end of a member.
    ///
    /// - Parameter consumed: bytes of the archive as it lies.
    mutating func leave(consumed: Int64) {
        isInside = false
        consumedBefore = consumed
    }

    /// Notes how a member begins.
    mutating func enter(isPacked: Bool) { isInside = isPacked }

    /// Adds what came out of the archive.
    mutating func add(_ count: Int, consumed now: Int64) throws {
        guard isInside else { return }
        consumed += now - consumedBefore
        consumedBefore = now
        produced += Int64(count)
        try limit.check(consumed: consumed, produced: produced, name: name)
    }
}
