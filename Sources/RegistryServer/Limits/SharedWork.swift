import Synchronization

/// Work that is done once for all who want its result at the same time, each of whom waits as long as suits them.
///
/// The work may wait for the turn of the client that it is done for. Until it is under way, each further client that wants
/// the result waits for a turn as well, and the first one whose turn comes has the work done for all.
package final class SharedWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Waiter {
        var continuation: CheckedContinuation<Value, any Error>
        /// Ends the waiting.
        var timer: Task<Void, Never>
    }

    private struct Entry {
        var number: Int
        /// The client whose turn has come: the upstream is being asked.
        var runner: ClientAddress.Share?
        var waiters: [Int: Waiter] = [:]
        /// Clients for which the work waits, or is done; nil until its task is known.
        var tasks: [ClientAddress.Share: Task<Void, Never>?] = [:]

        var isUnderWay: Bool { runner != nil }
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var next = 0

        mutating func number() -> Int {
            next += 1
            return next
        }
    }

    private let state = Mutex(State())
    private let clock: any CacheClock
    /// Keys that are worked on at once.
    private let limit: Int
    private let busy: any Error

    /// - Parameter busy: the error if there are too many keys, or if the work waits for its turn for too long.
    package init(clock: any CacheClock, limit: Int, busy: any Error) {
        self.clock = clock
        self.limit = limit
        self.busy = busy
    }

    /// Keys that are worked on.
    package var count: Int { state.withLock { $0.entries.count } }

    /// The result of the work for a key, which is begun unless it is under way.
    ///
    /// - Parameters:
    ///   - patience: time after which `late` is thrown, or the error for being busy if the work still waits for its
    ///     turn. The work goes on.
    ///   - work: must call `isWanted` before anything slow, and throw if it returns false: then
    ///     everybody has gone meanwhile.
    /// - Throws: what the work throws; the error for being busy; `CancellationError` if the client has gone.
    package func value(
        for key: Key, within patience: Duration, orThrow late: @autoclosure @escaping @Sendable () -> any Error,
        _ work: @escaping @Sendable (_ isWanted: @escaping @Sendable () -> Bool) async throws -> Value
    ) async throws -> Value {
        let id = state.withLock { $0.number() }
        let client = ClientConnection.current
        let share = ClientConnection.currentShare
        defer { client?.forget(id) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let timer = Task { [clock] in
                    guard (try? await clock.sleep(for: patience)) != nil else { return }
                    self.leave(key, id, self.isUnderWay(key) ? late() : self.busy)
                }
                let waiter = Waiter(continuation: continuation, timer: timer)
                let entry: (number: Int, isNew: Bool)? = state.withLock { state in
                    if let entry = state.entries[key] {
                        state.entries[key]?.waiters[id] = waiter
                        guard !entry.isUnderWay, entry.tasks[share] == nil else { return (entry.number, false) }
                        state.entries[key]?.tasks[share] = .some(nil)
                        return (entry.number, true)
                    }
                    guard state.entries.count < limit else { return nil }
                    let entry = Entry(number: state.number(), waiters: [id: waiter], tasks: [share: nil])
                    state.entries[key] = entry
                    return (entry.number, true)
                }
                guard let entry else {
                    timer.cancel()
                    continuation.resume(throwing: busy)
                    return
                }
                if entry.isNew { begin(key, entry.number, share, work) }
                client?.whenGone(id) { self.leave(key, id, CancellationError()) }
                if Task.isCancelled { leave(key, id, CancellationError()) }
            }
        } onCancel: {
            leave(key, id, CancellationError())
        }
    }

    private func begin(
        _ key: Key, _ number: Int, _ share: ClientAddress.Share,
        _ work: @escaping @Sendable (_ isWanted: @escaping @Sendable () -> Bool) async throws -> Value
    ) {
        let task = Task.detached {
            let result: Result<Value, any Error>
            do {
                result = .success(try await work { self.isWanted(key, number, share) })
            } catch {
                result = .failure(error)
            }
            let ended = self.state.withLock { state -> Entry? in
                guard let entry = state.entries[key], entry.number == number else { return nil }
                // Where the turn of this client did not come, that of another one may.
                if entry.runner != share, case .failure = result, entry.tasks.count > 1 || entry.isUnderWay {
                    state.entries[key]?.tasks[share] = nil
                    return nil
                }
                state.entries[key] = nil
                return entry
            }
            guard let ended else { return }
            for (other, task) in ended.tasks where other != share { task?.cancel() }
            for waiter in ended.waiters.values {
                waiter.timer.cancel()
                waiter.continuation.resume(with: result)
            }
        }
        let isWanted = state.withLock { state in
            guard state.entries[key]?.number == number else { return false }
            if state.entries[key]?.tasks[share] != nil { state.entries[key]?.tasks[share] = task }
            return true
        }
        if !isWanted { task.cancel() }
    }

    /// Whether a caller waits. If none does, the work is given up, and the next caller begins it again.
    private func isWanted(_ key: Key, _ number: Int, _ share: ClientAddress.Share) -> Bool {
        state.withLock { state in
            guard let entry = state.entries[key], entry.number == number,
                entry.runner == nil || entry.runner == share
            else { return false }
            if entry.waiters.isEmpty {
                state.entries[key] = nil
            } else {
                state.entries[key]?.runner = share
            }
            return !entry.waiters.isEmpty
        }
    }

    private func isUnderWay(_ key: Key) -> Bool { state.withLock { $0.entries[key]?.isUnderWay ?? true } }

    private func leave(_ key: Key, _ id: Int, _ error: any Error) {
        let (waiter, abandoned) = state.withLock { state -> (Waiter?, Entry?) in
            let waiter = state.entries[key]?.waiters.removeValue(forKey: id)
            guard waiter != nil, let entry = state.entries[key], entry.waiters.isEmpty, !entry.isUnderWay else {
                return (waiter, nil)
            }
            // The work waits for its turn, and nobody waits for it: it leaves its place to others.
            state.entries[key] = nil
            return (waiter, entry)
        }
        for task in abandoned?.tasks.values ?? [:].values { task?.cancel() }
        waiter?.timer.cancel()
        waiter?.continuation.resume(throwing: error)
    }
}
