import Glibc
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// The open connections of a listener, and the client that each belongs to: its peer, or the client that its last
/// request was passed on for.
///
/// When the limit is reached, an idle connection of the client that has the most is closed for a client that has fewer:
/// a few clients cannot keep all others out.
final class ConnectionTable: Sendable {
    private struct Connection {
        let channel: any Channel
        var owner: ClientAddress.Share
        /// Requests without an answer.
        var requests = 0
    }

    private struct State {
        var connections: [ObjectIdentifier: Connection] = [:]
        var ids: [ClientAddress.Share: Set<ObjectIdentifier>] = [:]
        /// Time of the last warning in the log.
        var lastWarning: ContinuousClock.Instant?

        func count(of share: ClientAddress.Share) -> Int { ids[share]?.count ?? 0 }

        mutating func remove(_ id: ObjectIdentifier) {
            guard let connection = connections.removeValue(forKey: id) else { return }
            ids[connection.owner]?.remove(id)
            if count(of: connection.owner) == 0 { ids[connection.owner] = nil }
        }

        mutating func insert(_ connection: Connection, _ id: ObjectIdentifier) {
            connections[id] = connection
            ids[connection.owner, default: []].insert(id)
        }

        /// Takes an idle connection out of the table.
        ///
        /// - Returns: nil if no client has more than one connection more than `share`, or all are in use.
        mutating func makeRoom(for share: ClientAddress.Share) -> (any Channel)? {
            guard let largest = ids.max(by: { $0.value.count < $1.value.count }),
                largest.value.count > count(of: share) + 1,
                let id = largest.value.first(where: { connections[$0]?.requests == 0 })
            else { return nil }
            let channel = connections[id]?.channel
            remove(id)
            return channel
        }
    }

    private static let warningInterval = Duration.seconds(60)

    private let limits: ServerConfiguration.Connections
    private let logger: Logger
    private let state = Mutex(State())
    let heads = HeadMemory()

    init(_ limits: ServerConfiguration.Connections, logger: Logger) {
        self.limits = limits
        self.logger = logger
    }

    private enum Change {
        case none
        case new(insteadOf: (any Channel)?)
        case refused(String)
    }

    /// Counts a connection as a client's, until it is closed or counted as another client's.
    ///
    /// - Returns: false if a limit is reached; then nothing has changed.
    func add(_ channel: any Channel, of share: ClientAddress.Share) -> Bool {
        let id = ObjectIdentifier(channel)
        let change = state.withLock { state -> Change in
            let known = state.connections[id]
            if known?.owner == share { return .none }
            guard state.count(of: share) < limits.mostOfClient else {
                return .refused("one client has \(limits.mostOfClient) connections; see http.connections.maxperclient")
            }
            var displaced: (any Channel)?
            if known == nil, state.connections.count >= limits.most {
                displaced = state.makeRoom(for: share)
                if displaced == nil {
                    return .refused("\(limits.most) connections are open; see http.connections.max")
                }
            }
            state.remove(id)
            state.insert(Connection(channel: channel, owner: share, requests: known?.requests ?? 0), id)
            return known == nil ? .new(insteadOf: displaced) : .none
        }
        switch change {
        case .none: return true
        case .new(let displaced):
            channel.closeFuture.whenComplete { _ in self.state.withLock { $0.remove(id) } }
            if let displaced {
                displaced.close(promise: nil)
                warn("\(limits.most) connections are open, and an idle one was closed; see http.connections.max")
            }
            return true
        case .refused(let reason):
            warn("a connection was refused: \(reason)")
            return false
        }
    }

    private func changeRequests(of channel: any Channel, by change: Int) {
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            guard let count = state.connections[id]?.requests else { return }
            // Text that is not HTTP is answered, too.
            state.connections[id]?.requests = max(0, count + change)
        }
    }

    /// Writes a warning to the log, unless it had one recently: a flood must not fill it.
    func warn(_ text: String) {
        let now = ContinuousClock.now
        let isDue = state.withLock { state in
            if let last = state.lastWarning, last.duration(to: now) < Self.warningInterval { return false }
            state.lastWarning = now
            return true
        }
        if isDue { logger.warning("\(text); more of these are not logged for 60 s") }
    }

    /// The first handler of a listener: closes connections beyond the limits before anything is read from them.
    final class Gate: ChannelInboundHandler {
        typealias InboundIn = any Channel

        /// Microseconds. Without a descriptor for the next connection, NIO would try again at once and for ever.
        private static let pause: UInt32 = 5000

        private let table: ConnectionTable

        init(_ table: ConnectionTable) { self.table = table }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let connection = unwrapInboundIn(data)
            guard table.add(connection, of: ClientAddress(peer: connection.remoteAddress).share) else {
                connection.close(promise: nil)
                return
            }
            context.fireChannelRead(data)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
                return context.fireErrorCaught(error)
            }
            table.warn("a connection waits: \(String(cString: strerror(code))); see http.connections.max")
            usleep(Self.pause)
        }
    }
    /// Counts the requests of a connection that have no answer.
    final class Activity: ChannelDuplexHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundIn = HTTPServerResponsePart

        private let table: ConnectionTable

        init(_ table: ConnectionTable) { self.table = table }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .head = unwrapInboundIn(data) { table.changeRequests(of: context.channel, by: 1) }
            context.fireChannelRead(data)
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if case .end = unwrapOutboundIn(data) { table.changeRequests(of: context.channel, by: -1) }
            context.write(data, promise: promise)
        }
    }
}
