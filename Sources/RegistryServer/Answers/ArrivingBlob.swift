import ByteStreams
import RegistryStore
import Synchronization

/// A blob that is being fetched into the store, for those who read it meanwhile.
///
/// Its readers get its last bytes only after its digest was found right: before that, they could not tell a
/// damaged blob from a whole one.
package final class ArrivingBlob: Sendable {
    private struct State {
        var count: Int64 = 0
        var isEnded = false
        var failure: (any Error)?
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
    }

    let file: OpenFile
    private let state = Mutex(State())

    init(_ upload: StoreUpload) throws { file = try upload.reader() }

    func arrived(_ count: Int) { change { $0.count += Int64(count) } }

    func ended(_ failure: (any Error)?) {
        change { state in
            state.isEnded = true
            state.failure = failure
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for reader in waiting { reader.resume() }
    }

    /// Bytes that are kept back until all of them are known to be right.
    private static let keptBack: Int64 = 1

    /// Waits until there is more than `position` bytes to be read.
    ///
    /// - Returns: up to where it can be read; `position` if that is its end.
    /// - Throws: what kept it from arriving; `CancellationError`.
    func available(after position: Int64) async throws -> Int64 {
        while true {
            let (count, isEnded, failure) = state.withLock { ($0.count, $0.isEnded, $0.failure) }
            if let failure { throw failure }
            if isEnded { return count }
            if count - Self.keptBack > position { return count - Self.keptBack }
            try Task.checkCancellation()
            await change(after: count)
        }
    }

    /// Waits until there is news, or the task is cancelled.
    private func change(after count: Int64) async {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isNew = state.withLock { state in
                    guard state.count == count, !state.isEnded, !Task.isCancelled else { return false }
                    state.waiting[id] = continuation
                    return true
                }
                if !isNew { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
    }
}
