package import ByteStreams
import Synchronization

/// A refusal because of too much work. The client may try again in some seconds.
package enum Overload: Error {
    /// The limit of waiting requests of this client is reached.
    case ofClient
    case ofServer
}

/// Units of something scarce, such as threads or bytes, that clients use in turn. The next turn is that of the waiting
/// client that uses the fewest units, and among equals of the one whose last turn is the longest ago. A client that is
/// not known counts as if its last turn had been that of the last one that was forgotten, which may be itself.
package final class FairShare: Sendable {
    private struct Waiter {
        var id: Int
        var units: Int
        var continuation: CheckedContinuation<Void, any Error>
        /// Ends the waiting.
        var timer: Task<Void, Never>
    }

    /// A client that uses something or waits.
    private struct Client {
        var used = 0
        var waiters: [Waiter] = []
        /// The number of its last turn.
        var lastTurn = 0
    }

    private struct State {
        let units: Int
        let keepsRoom: Bool
        var free: Int
        var clients: [ClientAddress.Share: Client] = [:]
        var waiting = 0
        var number = 0
        /// The last turn of whoever is not known.
        var turnOfForgotten = 0

        mutating func next() -> Int {
            number += 1
            return number
        }

        func hasRoom(for wanted: Int, of share: ClientAddress.Share) -> Bool {
            guard keepsRoom, wanted > 0, free < units else { return wanted <= free }
            return (clients[share]?.used ?? 0) + wanted <= free - wanted
        }

        mutating func take(_ units: Int, _ share: ClientAddress.Share) {
            free -= units
            let turn = next()
            clients[share, default: Client()].used += units
            clients[share]?.lastTurn = turn
        }

        mutating func wait(_ waiter: Waiter, _ share: ClientAddress.Share) {
            clients[share, default: Client(lastTurn: turnOfForgotten)].waiters.append(waiter)
            waiting += 1
        }

        mutating func forgetIfIdle(_ share: ClientAddress.Share) {
            guard let client = clients[share], client.used == 0, client.waiters.isEmpty else { return }
            clients[share] = nil
            turnOfForgotten = max(turnOfForgotten, client.lastTurn)
        }

        /// Gives units to those whose turn it is.
        mutating func admit() -> [Waiter] {
            var admitted: [Waiter] = []
            while waiting > 0 {
                let ready = clients.filter { share, client in
                    guard let first = client.waiters.first else { return false }
                    // Who has enough does not keep the others from their turns.
                    return !keepsRoom || hasRoom(for: first.units, of: share)
                }
                let next = ready.min {
                    ($0.value.used, $0.value.lastTurn, $0.value.waiters[0].id)
                        < ($1.value.used, $1.value.lastTurn, $1.value.waiters[0].id)
                }
                guard let (share, client) = next, hasRoom(for: client.waiters[0].units, of: share) else { break }
                clients[share]?.waiters.removeFirst()
                waiting -= 1
                take(client.waiters[0].units, share)
                admitted.append(client.waiters[0])
            }
            return admitted
        }
    }

    private let units: Int
    private let limit: Int
    private let patience: Duration
    private let state: Mutex<State>

    /// - Parameters:
    ///   - keepsRoom: whether a client may only use as many units as it leaves free for others: the half, or a third if
    ///     another client uses as many.
    ///   - limit: most waiting requests of one client.
    ///   - patience: time after which a request stops waiting.
    package init(units: Int, keepsRoom: Bool = false, limit: Int = 64, patience: Duration = .seconds(20)) {
        self.units = units
        self.limit = limit
        self.patience = patience
        state = Mutex(State(units: units, keepsRoom: keepsRoom, free: units))
    }

    /// Number of waiting requests.
    package var waiting: Int { state.withLock(\.waiting) }

    /// Waits for units, does some work, and frees the units.
    ///
    /// - Throws: what the work throws; `Overload`; `CancellationError` if the client has gone while it waited.
    package func use<T>(
        _ wanted: Int, for share: ClientAddress.Share, _ work: () async throws -> T
    ) async throws -> T {
        let wanted = min(wanted, units)
        try await take(wanted, share)
        defer { give(wanted, share) }
        return try await work()
    }

    /// Waits for units, which are given back with the last reference to the result.
    ///
    /// - Throws: as `use`.
    package func lease(_ wanted: Int, for share: ClientAddress.Share) async throws -> Lease {
        let wanted = min(wanted, units)
        try await take(wanted, share)
        return Lease { [self] in give(wanted, share) }
    }

    /// Units that are in use as long as this lives.
    package final class Lease: Sendable {
        private let giveBack: @Sendable () -> Void

        fileprivate init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = giveBack }

        deinit { giveBack() }
    }

    /// Does some work on a thread for the client of the current request, in its turn. The units are the threads.
    ///
    /// - Throws: as `use`; `CancellationError` if the client has gone.
    package func run<T: Sendable>(on workers: Workers, _ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await use(1, for: ClientConnection.currentShare) {
            try await ClientConnection.current?.checkPresence()
            return try await workers.run(work)
        }
    }

    /// Does some work on a thread, when its client's turn has come. The units are the threads.
    ///
    /// - Parameter isWanted: asked before the work begins.
    /// - Throws: as `use`; `CancellationError` if nobody wants the work any more.
    package func run<T: Sendable>(
        on workers: Workers, for share: ClientAddress.Share, if isWanted: @escaping @Sendable () -> Bool,
        _ work: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await use(1, for: share) {
            try await workers.run {
                guard isWanted() else { throw CancellationError() }
                return try work()
            }
        }
    }

    /// The threads of `Workers.documents`.
    static let documents = FairShare(units: Workers.documents.count)
    /// Threads that delete manifests, for which all tags of a repository are read.
    static let deletions = FairShare(units: 2, limit: 1024, patience: .seconds(60))
    /// Threads that read whole uploads and archives for one request.
    static let readings = FairShare(
        units: max(2, min(Workers.coreCount, Workers.blobs.count / 4)), limit: 256, patience: .seconds(60))

    private func take(_ wanted: Int, _ share: ClientAddress.Share) async throws {
        let id = state.withLock { state -> Int? in
            guard state.waiting > 0 && wanted > 0 || !state.hasRoom(for: wanted, of: share) else {
                state.take(wanted, share)
                return nil
            }
            return state.next()
        }
        guard let id else { return }
        let connection = ClientConnection.current
        defer { connection?.forget(id) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let timer = Task { [patience] in
                    guard (try? await Task.sleep(for: patience)) != nil else { return }
                    self.leave(id, share, Overload.ofServer)
                }
                let waiter = Waiter(id: id, units: wanted, continuation: continuation, timer: timer)
                let admitted = state.withLock { state -> [Waiter]? in
                    guard state.clients[share]?.waiters.count ?? 0 < limit else { return nil }
                    state.wait(waiter, share)
                    return state.admit()
                }
                guard let admitted else {
                    timer.cancel()
                    continuation.resume(throwing: Overload.ofClient)
                    return
                }
                resume(admitted)
                connection?.whenGone(id) { self.leave(id, share, CancellationError()) }
                if Task.isCancelled { leave(id, share, CancellationError()) }
            }
        } onCancel: {
            leave(id, share, CancellationError())
        }
    }

    private func give(_ units: Int, _ share: ClientAddress.Share) {
        resume(
            state.withLock { state in
                state.free += units
                state.clients[share]?.used -= units
                state.forgetIfIdle(share)
                return state.admit()
            })
    }

    private func resume(_ waiters: [Waiter]) {
        for waiter in waiters {
            waiter.timer.cancel()
            waiter.continuation.resume()
        }
    }

    private func leave(_ id: Int, _ share: ClientAddress.Share, _ error: any Error) {
        let (left, admitted) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let position = state.clients[share]?.waiters.firstIndex(where: { $0.id == id }) else {
                return (nil, [])
            }
            let waiter = state.clients[share]?.waiters.remove(at: position)
            state.waiting -= 1
            state.forgetIfIdle(share)
            // Requests behind it may need fewer units.
            return (waiter, state.admit())
        }
        left?.timer.cancel()
        left?.continuation.resume(throwing: error)
        resume(admitted)
    }
}
