package import ByteStreams
import Hummingbird
import ImageModel
import NIOCore
import NIOHTTP1

/// Something with bytes that is served.
package enum ServedBytes: Sendable {
    case file(OpenFile, offset: Int64)
    /// Bytes that can be read once, from their beginning.
    case stream(Handover<any ByteSource>)
    /// Bytes of which any part can be asked for.
    case ranges(@Sendable (Range<Int64>) throws -> any ByteSource)
    /// A blob that is being fetched.
    case arriving(ArrivingBlob)
}

extension ResponseBody {
    /// Parts of some bytes, each with text before it, and text at the end.
    ///
    /// - Parameter isCopied: whether bytes of a file have to pass through memory on their way to the channel.
    init(
        _ bytes: ServedBytes, parts: [(text: String, range: Range<Int64>)], end: String = "", to channel: any Channel,
        isCopied: Bool
    ) {
        let length = parts.reduce(end.utf8.count) { $0 + $1.text.utf8.count + $1.range.count }
        let client = ClientConnection.current
        self.init(contentLength: length) { writer in
            var sender = PieceSender(channel)
            for part in parts {
                if !part.text.isEmpty { try await sender.send(ByteBuffer(string: part.text)) }
                if case .file(let file, let offset) = bytes, !isCopied {
                    try await channel.send(file, offset + part.range.lowerBound..<offset + part.range.upperBound)
                } else {
                    try await bytes.copy(part.range, for: client) { try await sender.send($0) }
                }
            }
            if !end.isEmpty { try await sender.send(ByteBuffer(string: end)) }
            try await sender.finish()
            try await writer.finish(nil)
        }
    }
}

extension ResponseBody {
    /// Bytes that are handed over as the client takes them.
    ///
    /// - Parameter lease: of the memory that they need, until they have been sent.
    init(inPieces bytes: ByteBuffer, holding lease: FairShare.Lease?, to channel: any Channel) {
        self.init(contentLength: bytes.readableBytes) { writer in
            var sender = PieceSender(channel)
            var rest = bytes
            while let piece = rest.readSlice(length: min(rest.readableBytes, 64 << 10)), piece.readableBytes > 0 {
                try await sender.send(piece)
            }
            try await sender.finish()
            withExtendedLifetime(lease) {}
            try await writer.finish(nil)
        }
    }

    /// A blob whose size shows at its end.
    init(_ blob: ArrivingBlob, to channel: any Channel) {
        self.init { writer in
            var sender = PieceSender(channel)
            try await blob.copy(0..<Int64.max) { try await sender.send($0) }
            try await sender.finish()
            try await writer.finish(nil)
        }
    }
}

extension ArrivingBlob {
    /// Hands a part on while it arrives.
    ///
    /// - Returns: where the part ends, which may be before the end of `range`.
    @discardableResult
    fileprivate func copy(_ range: Range<Int64>, to write: (ByteBuffer) async throws -> Void) async throws -> Int64 {
        var position = range.lowerBound
        while position < range.upperBound {
            let end = min(try await available(after: position), range.upperBound)
            guard end > position else { break }
            try await ServedBytes.file(file, offset: 0).copy(position..<end, for: nil, to: write)
            position = end
        }
        return position
    }
}

extension ServedBytes {
    private static let pieceSize = 128 << 10

    /// Bytes that are inflated and passed over in one turn.
    private static let skipSize: Int64 = 64 << 20

    /// Reads a part and hands it on piece by piece.
    ///
    /// - Parameter client: takes turns with others where bytes have to be passed over first.
    fileprivate func copy(
        _ range: Range<Int64>, for client: ClientConnection?, to write: (ByteBuffer) async throws -> Void
    ) async throws {
        let source: Handover<any ByteSource>
        switch self {
        case .file(let file, let offset):
            source = Handover(
                FileSource(file, offset: offset + range.lowerBound, length: Int64(range.count)))
        case .stream(let stream):
            source = stream
            var left = range.lowerBound
            while left > 0 {
                let count = min(Self.skipSize, left)
                try await ClientConnection.$current.withValue(client) {
                    let missing = try await FairShare.readings.run(on: .blobs) { try source.value.skip(count) }
                    guard missing == 0 else {
                        throw ImageError.damaged("what is served ended \(missing) bytes too early")
                    }
                }
                left -= count
            }
        case .ranges(let open):
            source = try await Workers.blobs.run { Handover(try open(range)) }
        case .arriving(let blob):
            let end = try await blob.copy(range, to: write)
            guard end == range.upperBound else {
                throw ImageError.damaged("what is served ended \(range.upperBound - end) bytes too early")
            }
            return
        }
        var rest = Int64(range.count)
        while rest > 0 {
            let wanted = Int(min(rest, Int64(Self.pieceSize)))
            let piece = try await Workers.blobs.run {
                var piece = ByteBuffer()
                try piece.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                    try source.value.fill(UnsafeMutableRawBufferPointer(rebasing: space[..<wanted]))
                }
                return piece
            }
            guard piece.readableBytes == wanted else {
                throw ImageError.damaged("what is served ended \(rest - Int64(piece.readableBytes)) bytes too early")
            }
            rest -= Int64(wanted)
            try await write(piece)
        }
    }
}

extension Channel {
    /// Sends a part of a file as a piece of the response's body: from the page cache to the socket, past
    /// Hummingbird, which knows only buffers.
    fileprivate func send(_ file: OpenFile, _ range: Range<Int64>) async throws {
        guard !range.isEmpty else { return }
        let sent = eventLoop.makePromise(of: Void.self)
        sendBody(sent) { context in
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: file.descriptor)
            // The file is open until the last of it has been sent, and closes the descriptor itself.
            sent.futureResult.whenComplete { _ in
                withExtendedLifetime(file) { _ = try? handle.takeDescriptorOwnership() }
            }
            context.send(handle, range, sent)
        }
        try await wait(for: sent.futureResult)
    }
}

extension ChannelHandlerContext {
    /// What one call sends. All at once would keep the event loop from its other connections for as long as the client
    /// is fast enough, and takes nearly twice as long where that is on the same machine (`samples/bench server`).
    private static var pieceSize: Int64 { 128 << 10 }

    fileprivate func send(_ file: NIOFileHandle, _ range: Range<Int64>, _ sent: EventLoopPromise<Void>) {
        let end = min(range.lowerBound + Self.pieceSize, range.upperBound)
        let region = FileRegion(fileHandle: file, readerIndex: Int(range.lowerBound), endIndex: Int(end))
        let piece = writeAndFlush(NIOAny(HTTPServerResponsePart.body(.fileRegion(region))))
        guard end < range.upperBound else { return piece.cascade(to: sent) }
        piece.assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.send(file, end..<range.upperBound, sent)
            case .failure(let error): sent.fail(error)
            }
        }
    }
}
