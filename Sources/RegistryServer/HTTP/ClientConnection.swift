import NIOCore

/// The connection of a client that waits for an answer: work that waits for others is told when the client goes.
///
/// Like other proxies, this takes a client that closes its side of the connection for gone.
struct ClientConnection: Sendable {
    /// The connection of the request that is worked on.
    @TaskLocal static var current: ClientConnection?

    let channel: any Channel
    let client: ClientAddress.Share

    /// The client of the request that is worked on, where work is shared out.
    static var currentShare: ClientAddress.Share { current?.client ?? .unknown }

    /// Calls `action` once if the client goes, also if it has gone already.
    ///
    /// - Parameter id: to `forget` it by.
    func whenGone(_ id: Int, _ action: @escaping @Sendable () -> Void) {
        channel.eventLoop.execute {
            guard let end = try? channel.pipeline.syncOperations.handler(type: ClientEnd.self) else { return action() }
            end.add(id, action)
        }
    }

    /// - Throws: `CancellationError` if the client has gone.
    func checkPresence() async throws {
        let isGone = try? await channel.eventLoop.submit { [channel] in
            (try? channel.pipeline.syncOperations.handler(type: ClientEnd.self))?.isGone ?? true
        }.get()
        if isGone ?? true { throw CancellationError() }
    }

    func forget(_ id: Int) {
        channel.eventLoop.execute {
            (try? channel.pipeline.syncOperations.handler(type: ClientEnd.self))?.forget(id)
        }
    }
}

/// Sees a client go while nothing is read from it or written to it.
final class ClientEnd: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    fileprivate private(set) var isGone = false
    private var actions: [Int: @Sendable () -> Void] = [:]

    func add(_ id: Int, _ action: @escaping @Sendable () -> Void) {
        if isGone { action() } else { actions[id] = action }
    }

    func forget(_ id: Int) { actions[id] = nil }

    private func end() {
        isGone = true
        let all = actions.values
        actions = [:]
        for action in all { action() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { end() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }
}
