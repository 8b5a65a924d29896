import Dispatch
import ImageModel
import ImageTransfer
import Synchronization

/// What is known of the uploads of one blob, however often it was begun.
///
/// Used by one upload at a time: the one that the queue has let in.
final class UploadRecord: @unchecked Sendable {
    let key: UploadQueue.Key?
    /// Of all tries together: only what gets further than any before counts as progress.
    var patience: Patience
    private var furthest: Int64 = 0
    /// Bytes were lost with a whole session: what comes in pieces loses less.
    var prefersChunks = false

    init(_ key: UploadQueue.Key?, _ options: RegistryOptions) {
        self.key = key
        patience = Patience(options)
    }

    func reached(_ offset: Int64) {
        guard offset > furthest else { return }
        furthest = offset
        patience.progressed()
    }
}

/// Lets one upload at a time go on for each blob and repository.
final class UploadQueue: Sendable {
    struct Key: Hashable {
        var repository: String
        /// Of the blob, or of what it is made from.
        var digest: Digest

        init?(_ target: BlobTarget) {
            guard let digest = target.source ?? target.digest else { return nil }
            self.digest = digest
            repository = target.repository
        }
    }

    private struct State {
        var records: [Key: UploadRecord] = [:]
        var busy: Set<Key> = []
        var waiting: [Key: [DispatchSemaphore]] = [:]
    }

    private let state = Mutex(State())

    /// Blocks until no other upload of the same is under way.
    ///
    /// - Returns: the record, and whether there was somebody to wait for.
    func enter(_ key: Key?, _ options: RegistryOptions) -> (record: UploadRecord, hasWaited: Bool) {
        guard let key else { return (UploadRecord(nil, options), false) }
        var hasWaited = false
        while true {
            let turn = DispatchSemaphore(value: 0)
            let record = state.withLock { state -> UploadRecord? in
                guard state.busy.insert(key).inserted else {
                    state.waiting[key, default: []].append(turn)
                    return nil
                }
                let record = state.records[key] ?? UploadRecord(key, options)
                state.records[key] = record
                return record
            }
            if let record { return (record, hasWaited) }
            hasWaited = true
            turn.wait()
        }
    }

    /// - Parameter isDone: there will be no other try.
    func leave(_ record: UploadRecord, isDone: Bool) {
        guard let key = record.key else { return }
        let waiting = state.withLock { state in
            state.busy.remove(key)
            if isDone { state.records[key] = nil }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for turn in waiting { turn.signal() }
    }
}
