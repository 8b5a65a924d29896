import Synchronization

/// How a registry takes blobs, the cheapest first. Source: OCI distribution-spec, "Pushing blobs".
package enum UploadShape: Hashable, Sendable {
    /// `POST`, then all bytes with the closing `PUT`. Digest and size have to be known.
    case whole
    /// `POST`, one `PATCH` with all bytes, `PUT`.
    case stream
    /// `POST`, a `PATCH` for every so many bytes, `PUT`.
    case chunks(Int)
}

/// What a registry has turned out to take.
package final class UploadMemory: Sendable {
    package static let largestChunk = 8 << 20
    private static let smallestChunk = 64 << 10

    private struct State {
        var refusesWhole = false
        var refusesStream = false
        var refusesPatches = false
        var chunk = UploadMemory.largestChunk
        var least = 0
        var underway = 0
        var hosts: Set<String> = []
    }

    /// Bytes that all uploads together keep, to send them again or to make a chunk of them.
    private static let keptTogether = 6 << 20

    private let state = Mutex(State())

    package init() {}

    /// An upload begins; `ended` says when it needs no more memory.
    func began() { state.withLock { $0.underway += 1 } }
    func ended() { state.withLock { $0.underway -= 1 } }

    /// Bytes that one upload may keep.
    var share: Int64 { state.withLock { Int64(Self.keptTogether / max(1, $0.underway)) } }

    /// - Parameter isKnown: whether digest and size are known before the first byte.
    package func shape(isKnown: Bool) -> UploadShape {
        state.withLock { state in
            if isKnown, !state.refusesWhole { return .whole }
            return state.refusesStream ? .chunks(max(state.chunk, state.least)) : .stream
        }
    }

    /// For what could not be sent in one go.
    var chunks: UploadShape { state.withLock { .chunks(max($0.chunk, $0.least)) } }

    /// How much of a blob of unknown size is gathered for a chunk.
    ///
    /// - Returns: nil if the registry wants more than may be kept.
    func gathered(_ chunk: Int) -> Int64? {
        let share = share
        let least = Int64(state.withLock { $0.least })
        return least > share ? nil : max(min(Int64(chunk), share), least)
    }

    /// Number of hosts to report and remember: the registry names them.
    private static let hostLimit = 16

    /// Whether uploads go to this host for the first time, and it is one of the first hosts.
    func isNews(_ host: String) -> Bool {
        state.withLock { $0.hosts.count < Self.hostLimit && $0.hosts.insert(host).inserted }
    }

    /// `OCI-Chunk-Min-Length`.
    package func learn(leastChunk: Int) { state.withLock { $0.least = max($0.least, leastChunk) } }

    /// Whether nothing can be sent before its digest is known. Source: Google Artifact Registry takes no PATCH.
    var refusesPatches: Bool { state.withLock { $0.refusesPatches } }

    /// PATCH is no method there.
    func learnPatchIsRefused() { state.withLock { $0.refusesPatches = true } }

    /// A shape was refused; what comes after it?
    ///
    /// - Parameter tooLarge: it was refused for its size (413).
    /// - Returns: nil if nothing is left to try.
    package func next(after shape: UploadShape, tooLarge: Bool) -> UploadShape? {
        state.withLock { state in
            switch shape {
            case .whole:
                state.refusesWhole = true
                if !tooLarge, !state.refusesStream { return .stream }
                state.refusesStream = true
                return .chunks(max(state.chunk, state.least))
            case .stream:
                state.refusesStream = true
                return .chunks(max(state.chunk, state.least))
            case .chunks(let size):
                guard tooLarge, size / 2 >= max(Self.smallestChunk, state.least) else { return nil }
                state.chunk = size / 2
                return .chunks(size / 2)
            }
        }
    }
}
