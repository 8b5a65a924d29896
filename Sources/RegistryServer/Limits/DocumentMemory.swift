/// The memory for documents that clients send or are sent, and how much of it each client may use.
///
/// A document that is sent here first takes what an ordinary one needs. It takes the memory for all of it when more than that has come:
/// what a client only announces takes nothing from others.
struct DocumentMemory: Sendable {
    /// Bytes of documents up to `Document.ordinarySize`, and of the beginnings of larger ones.
    let ordinary = FairShare(units: 32 << 20, keepsRoom: true)
    /// Bytes of larger documents. Who has some of it waits for no more, so that nobody waits for each other.
    let large = FairShare(units: 16 << 20, keepsRoom: true)
    /// Bytes that an answer counts for at most: a list that fills all of the memory would keep all others waiting.
    static let answerLimit = 8 << 20

    /// Bytes that a page counts for whose entries may have so many.
    static func pageSize(of entries: Int64) -> Int { Int(min(entries, Int64(answerLimit))) }
}

extension FairShare {
    /// Bytes of large answers, until their clients have read them. What waits is in memory too, so few may wait.
    static let answers = FairShare(units: 32 << 20, keepsRoom: true, limit: 4)
}
