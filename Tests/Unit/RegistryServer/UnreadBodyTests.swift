import NIOCore
import NIOEmbedded
import NIOHTTP1
import RegistryServer
import Testing

struct UnreadBodyTests {
    private let channel = EmbeddedChannel()

    /// The other side of the connection: the test's channel cannot be closed by half.
    private final class Socket: ChannelOutboundHandler {
        typealias OutboundIn = Any
        private(set) var isOutputClosed = false
        private(set) var reads = 0

        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard mode == .output else { return context.close(mode: mode, promise: promise) }
            isOutputClosed = true
            promise?.succeed()
        }
    }

    private let socket = Socket()

    init() throws {
        try channel.pipeline.syncOperations.addHandler(socket)
        try channel.pipeline.syncOperations.addHandler(UnreadBody())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// A request of which so many bytes have come, and its answer.
    private func refuse(_ headers: HTTPHeaders, after count: Int) throws {
        try channel.writeInbound(
            HTTPServerRequestPart.head(
                HTTPRequestHead(version: .http1_1, method: .PUT, uri: "/", headers: headers)))
        try send(count)
        try channel.writeOutbound(
            HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .unauthorized)))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
    }

    private func send(_ count: Int) throws {
        try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(repeating: 0, count: count)))
    }

    /// How many parts of requests came through.
    private func passed() throws -> Int {
        var count = 0
        while try channel.readInbound(as: HTTPServerRequestPart.self) != nil { count += 1 }
        return count
    }

    @Test func aSmallRestIsDrainedAndTheConnectionStays() throws {
        try refuse(["content-length": "\(64 << 10)"], after: 10)
        try send((64 << 10) - 10)
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
        #expect(try passed() == 4)
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
        try channel.writeInbound(
            HTTPServerRequestPart.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")))
        #expect(try passed() == 1)
    }

    @Test func aLargeRestEndsTheConnectionWithPatience() throws {
        try refuse(["content-length": "\(1 << 30)"], after: 10)
        #expect(try passed() == 2)
        #expect(socket.isOutputClosed)
        try send(1000)
        #expect(try passed() == 0)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1900))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(200))
        #expect(!channel.isActive)
    }

    @Test func aRestOfUnknownLengthIsDrainedForAWhile() throws {
        try refuse(["transfer-encoding": "chunked"], after: 10)
        try send(64 << 10)
        #expect(try passed() == 3)
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive && !socket.isOutputClosed)
        try send(1)
        #expect(try passed() == 0)
        channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        #expect(!channel.isActive)
    }

    @Test func aBodyThatWasReadEndsNothing() throws {
        try channel.writeInbound(
            HTTPServerRequestPart.head(
                HTTPRequestHead(
                    version: .http1_1, method: .PUT, uri: "/", headers: ["content-length": "\(1 << 30)"])))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
    }

    @Test func anAnswerConcernsTheFirstRequestWithoutOne() throws {
        let unread = try channel.pipeline.syncOperations.handler(type: UnreadBody.self)
        for (method, length) in [(HTTPMethod.GET, 0), (.PATCH, 3 << 20)] {
            let head = HTTPRequestHead(
                version: .http1_1, method: method, uri: "/", headers: ["content-length": "\(length)"])
            try channel.writeInbound(HTTPServerRequestPart.head(head))
            if length == 0 { try channel.writeInbound(HTTPServerRequestPart.end(nil)) }
        }
        let reads = socket.reads
        unread.want()
        channel.read()
        #expect(socket.reads == reads)
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        #expect(!socket.isOutputClosed && socket.reads == reads)
        unread.want()
        #expect(socket.reads == reads + 1)
        try send(3 << 20)
        #expect(try passed() == 4)
    }
}
