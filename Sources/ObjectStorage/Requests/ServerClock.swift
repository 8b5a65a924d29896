import ImageModel
import Synchronization

/// The server's time, from the `date` headers of its answers.
package final class ServerClock: Sendable {
    private struct State {
        /// Seconds by which the server's clock is ahead, by the latest answer.
        var offset: Int?
        /// The same for signatures, once the server has refused this machine's time.
        var signingOffset = 0
    }

    private let state = Mutex(State())
    private let local: @Sendable () -> Int

    package init(local: @escaping @Sendable () -> Int = { Timestamp.now }) { self.local = local }

    /// - Parameter date: of an answer that has just arrived.
    package func note(_ date: String?) {
        guard let time = date.flatMap(HTTPTime.parse) else { return }
        let offset = time - local()
        state.withLock { $0.offset = offset }
    }

    /// Takes the server's time for signatures from now on.
    ///
    /// - Returns: false where that changes nothing.
    package func correct() -> Bool {
        state.withLock { state in
            guard let offset = state.offset, abs(offset - state.signingOffset) > 5 else { return false }
            state.signingOffset = offset
            return true
        }
    }

    /// The server's time in seconds since 1970; this machine's until an answer has told it.
    package var now: Int { local() + state.withLock { $0.offset ?? 0 } }
    /// The time for signatures.
    package var signingTime: Int { local() + state.withLock { $0.signingOffset } }
}
