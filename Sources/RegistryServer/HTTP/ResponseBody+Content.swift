import ByteStreams
import Glibc
import Hummingbird
import ImageModel
import ImageTransfer
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Something with bytes that is served.
enum ServedBytes: Sendable {
    case file(OpenFile, offset: Int64)
    /// A blob of a source, read anew for each reader.
    case source(any ImageSource, Descriptor, repository: String?)
    /// Of a size that is not known yet.
    case arriving(ArrivingBlob)
}

extension ResponseBody {
    /// Parts of some bytes, each with text before it, and text at the end.
    ///
    /// - Parameters:
    ///   - channel: of the connection; nil where bytes cannot go from the file to the socket by themselves.
    init(
        _ bytes: ServedBytes, parts: [(text: String, range: Range<Int64>)], end: String = "", channel: (any Channel)?
    ) {
        let length = parts.reduce(end.utf8.count) { $0 + $1.text.utf8.count + $1.range.count }
        self.init(contentLength: length) { writer in
            for part in parts {
                if !part.text.isEmpty { try await writer.write(ByteBuffer(string: part.text)) }
                switch (bytes, channel) {
                case (.file(let file, let offset), let channel?):
                    try await channel.send(file, offset + part.range.lowerBound..<offset + part.range.upperBound)
                default: try await bytes.copy(part.range) { try await writer.write($0) }
                }
            }
            if !end.isEmpty { try await writer.write(ByteBuffer(string: end)) }
            try await writer.finish(nil)
        }
    }
}

extension ResponseBody {
    /// A blob whose size shows at its end.
    init(_ blob: ArrivingBlob) {
        self.init { writer in
            var position: Int64 = 0
            while true {
                let end = try await blob.available(after: position)
                guard end > position else { break }
                try await ServedBytes.file(blob.file, offset: 0).copy(position..<end) { try await writer.write($0) }
                position = end
            }
            try await writer.finish(nil)
        }
    }
}

extension ServedBytes {
    private static let pieceSize = 256 << 10

    /// Reads a part and hands it on piece by piece.
    fileprivate func copy(_ range: Range<Int64>, to write: (ByteBuffer) async throws -> Void) async throws {
        let source: Handover<any ByteSource>
        switch self {
        case .file(let file, let offset):
            source = Handover(
                FileSource(file, offset: offset + range.lowerBound, length: Int64(range.count)))
        case .source(let images, let descriptor, let repository):
            source = Handover(try await images.blob(descriptor, in: repository))
            try await Workers.blobs.run { try source.value.skip(range.lowerBound) }
        case .arriving(let blob):
            source = Handover(FileSource(blob.file, offset: range.lowerBound, length: Int64(range.count)))
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
                throw StreamError.damaged("what is served ended \(rest - Int64(piece.readableBytes)) bytes too early")
            }
            rest -= Int64(wanted)
            try await write(piece)
        }
    }
}

extension ByteSource {
    /// Reads what nobody wants.
    fileprivate func skip(_ count: Int64) throws {
        guard count > 0 else { return }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { scratch.deallocate() }
        var rest = count
        while rest > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Int(min(rest, Int64(scratch.count)))])
            let got = try read(into: piece)
            guard got > 0 else { throw StreamError.damaged("what is served ended \(rest) bytes too early") }
            rest -= Int64(got)
        }
    }
}

extension Channel {
    /// Sends a part of a file as a piece of the response's body: from the page cache to the socket, past
    /// Hummingbird, which knows only buffers.
    fileprivate func send(_ file: OpenFile, _ range: Range<Int64>) async throws {
        guard !range.isEmpty else { return }
        let sent = eventLoop.makePromise(of: Void.self)
        eventLoop.execute {
            do {
                // Behind this handler there are NIO's own parts, which may be files.
                let context = try self.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self)
                let own = dup(file.descriptor)
                guard own >= 0 else { throw IOError(errnoCode: errno, reason: "dup") }
                let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: own)
                sent.futureResult.whenComplete { _ in try? handle.close() }
                context.send(handle, range, sent)
            } catch {
                sent.fail(error)
            }
        }
        // A client that does not read would keep a server that is to stop.
        try await withTaskCancellationHandler {
            try await sent.futureResult.get()
        } onCancel: {
            self.close(promise: nil)
        }
    }

    /// Tells a client that waits for it to go on with the request's body.
    func sendContinue() {
        eventLoop.execute {
            guard let context = try? self.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self)
            else {
                return
            }
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        }
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
