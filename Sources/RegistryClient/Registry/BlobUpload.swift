import ByteStreams
import ImageModel
import ImageTransfer
import NIOCore
import NIOHTTP1

/// A blob on its way into a registry.
///
/// It travels in legs: one request each, for all bytes or for a chunk. The last bytes that were sent are kept
/// until the registry has acknowledged them, so that what is lost on a broken connection is sent again. What
/// lies further back than that has to come from the source anew: then `BlobLost` is thrown.
final class BlobUpload: BlobWriter {
    /// A request under way.
    struct Leg {
        let exchange: HTTPExchange
        /// Where its bytes end; nil if that is not known.
        let end: Int64?
        /// Up to where they were sent.
        var sent: Int64
        /// When that was.
        var last = ContinuousClock.now
    }

    let registry: Registry
    private(set) var target: BlobTarget
    let session: UploadSession
    let record: UploadRecord
    var shape: UploadShape
    var leg: Leg?
    var bytes = KeptBytes()
    /// What the registry has of this session.
    var acknowledged: Int64 = 0
    /// Tokens that were fetched anew since bytes were acknowledged.
    var renewals = 0
    /// How often a session that was just begun was unknown to the registry.
    var unknowns = 0
    var isCommitted = false
    private var isCancelled = false
    private var isUnderway = true
    private let arrived: (Digest) -> Void

    /// So much of a blob of unknown digest is gathered before the first request: what turns out to be no more than
    /// that goes in one.
    private static let smallBlob: Int64 = 256 << 10

    /// Whether nothing was sent, and what there is may be all there will be.
    private var isGathering: Bool {
        target.digest == nil && bytes.start == 0 && acknowledged == 0
            && bytes.end < min(Self.smallBlob, registry.uploads.share)
    }

    /// - Parameters:
    ///   - record: from the queue, to which it is given back.
    ///   - arrived: is told once the registry has the blob.
    init(
        _ target: BlobTarget, to registry: Registry, record: UploadRecord, arrived: @escaping (Digest) -> Void
    ) {
        self.target = target
        self.registry = registry
        self.record = record
        self.arrived = arrived
        session = UploadSession(
            registry, target.repository,
            title: "upload " + (target.digest.map { "the blob \($0)" } ?? "a layer"))
        registry.uploads.began()
        shape = .stream
        shape = firstShape()
    }

    deinit {
        leg?.exchange.abandon()
        release(isDone: false)
    }

    private func release(isDone: Bool) {
        guard isUnderway else { return }
        isUnderway = false
        registry.uploads.ended()
        registry.queue.leave(record, isDone: isDone)
    }

    /// Digest and size, once both are known.
    var known: (digest: Digest, size: Int64)? {
        guard let digest = target.digest, let size = target.size else { return nil }
        return (digest, size)
    }

    func firstShape() -> UploadShape {
        record.prefersChunks && !registry.uploads.refusesPatches
            ? registry.uploads.chunks : registry.uploads.shape(isKnown: known != nil)
    }

    /// Another upload may have brought the blob: then nothing is sent.
    func lookFor() throws {
        guard let known else { return }
        isCommitted = try registry.hasBlob(known.digest, size: known.size, in: target.repository)
    }

    // MARK: BlobWriter

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard !isCommitted else { return }
        self.bytes.append(bytes)
        try advance(isEnd: false)
        // What was not sent yet is not forgotten, whatever its share; nor what is of a chunk, which has an end.
        let excess = self.bytes.count - registry.uploads.share
        if excess > 0, shape == .whole || shape == .stream {
            self.bytes.forget(before: min(self.bytes.start + excess, leg?.sent ?? acknowledged))
        }
    }

    func flush() throws {
        if let digest = target.digest { return try commit(digest) }
        try advance(isEnd: true)
        if !isGathering { release(isDone: true) }
    }

    func commit(_ digest: Digest) throws {
        guard !isCancelled else { return }
        if isGathering { shape = registry.uploads.shape(isKnown: true) }
        target.digest = digest
        target.size = target.size ?? bytes.end
        try advance(isEnd: true)
        if !isCommitted { try close(digest) }
        bytes.removeAll()
        release(isDone: true)
        arrived(digest)
    }

    func cancel() {
        guard !isCommitted, !isCancelled else { return }
        isCancelled = true
        leg?.exchange.abandon()
        leg = nil
        session.drop()
        bytes.removeAll()
        release(isDone: false)
    }

    func written() throws -> any ByteSource {
        throw ImageError.refused(
            "\(registry.host)/\(target.repository): what was packed on its way cannot be packed in another form any "
                + "more: put the archive into a file first")
    }

    // MARK: Legs

    /// Sends what is there to be sent, over all obstacles.
    func advance(isEnd: Bool) throws {
        while !isCommitted {
            do {
                if try step(isEnd: isEnd) { return }
            } catch  where NetworkFailure.isOne(error) {
                try recover(from: .broken(error))
            }
        }
    }

    /// - Returns: whether all that could be done is done.
    private func step(isEnd: Bool) throws -> Bool {
        if leg == nil { leg = try nextLeg(isEnd: isEnd) }
        guard let leg else { return true }
        let end = min(bytes.end, leg.end ?? .max)
        var sent = leg.sent
        while sent < end {
            let piece = bytes.piece(from: sent, to: end)
            registry.options.rateLimiter?.pass(piece.readableBytes)
            guard try leg.exchange.send(piece) else {
                try answered()
                return false
            }
            sent += Int64(piece.readableBytes)
            self.leg?.sent = sent
            self.leg?.last = .now
        }
        guard leg.end.map({ sent == $0 }) ?? isEnd else { return true }
        try leg.exchange.endBody()
        try answered()
        return false
    }

    /// Opens the next request; nil if there is nothing to send, or not enough yet.
    private func nextLeg(isEnd: Bool) throws -> Leg? {
        let start = acknowledged
        if shape == .whole, let known {
            guard isEnd || bytes.end > 0 else { return nil }
            try session.begin(target.digest?.algorithm)
            return Leg(exchange: try session.putAll(known.digest, size: known.size), end: known.size, sent: 0)
        }
        if isGathering { return nil }
        guard bytes.end > start else {
            // An empty blob needs a session all the same, to be closed.
            if isEnd { try begin() }
            return nil
        }
        guard case .chunks(let size) = shape else {
            try begin()
            return Leg(exchange: try session.patch(length: target.size, at: nil), end: target.size, sent: start)
        }
        try begin()
        let count: Int64
        if let all = target.size {
            // A chunk that is kept whole can be sent again, wherever it breaks.
            count = min(registry.uploads.gathered(size) ?? Int64(size), all - start)
        } else {
            guard let gathered = registry.uploads.gathered(size) else {
                throw lost(
                    needsDigest: true, "the registry wants chunks that are larger than what dray keeps of a blob")
            }
            guard isEnd || bytes.end - start >= gathered else { return nil }
            count = min(gathered, bytes.end - start)
        }
        return Leg(exchange: try session.patch(length: count, at: start), end: start + count, sent: start)
    }

    /// A session for PATCH, which some registries do not know. Source: Google Artifact Registry.
    private func begin() throws {
        if registry.uploads.refusesPatches, known == nil {
            throw lost(needsDigest: true, "the registry takes no PATCH")
        }
        try session.begin(target.digest?.algorithm)
    }

    /// The answer to a leg is there, or is to be waited for.
    private func answered() throws {
        guard let leg, let place = session.asked else { return }
        let answer = HTTPAnswer(try leg.exchange.head(), of: leg.exchange, from: place)
        if try session.isRedirected(by: answer) {
            self.leg = nil
            guard bytes.start <= acknowledged else {
                // A chunk is kept whole until it is acknowledged.
                record.prefersChunks = true
                throw lost("it redirected the upload after most of it was sent")
            }
            return
        }
        let isAll = leg.sent == leg.end ?? bytes.end
        guard answer.isSuccess, isAll else { return try recover(from: .refused(answer)) }
        answer.finish()
        self.leg = nil
        if shape == .whole, let known {
            isCommitted = try isStored(answer, known.digest, size: known.size)
            if !isCommitted { try recover(from: .refused(answer)) }
            return
        }
        try session.follow(answer)
        let taken = answer.headers.uploaded ?? leg.sent
        guard taken > acknowledged, taken <= leg.sent else {
            let shortfall = "it has \(taken) bytes where \(leg.sent) were sent"
            let error = problem(answer.status, shortfall)
            guard taken == acknowledged, record.patience.wait(after: retried(shortfall)) else { throw error }
            return
        }
        acknowledge(taken)
        if taken < leg.sent, shape == .stream { shape = registry.uploads.chunks }
    }

    func acknowledge(_ offset: Int64) {
        acknowledged = offset
        bytes.forget(before: offset)
        renewals = 0
        record.reached(offset)
    }

    func problem(_ status: Int?, _ text: String) -> ImageError {
        registry.session.failure(session.request(.PATCH), status: status, problem: text).error
    }

    func lost(needsDigest: Bool = false, _ reason: String) -> BlobLost {
        BlobLost(reason: "\(registry.host)/\(target.repository): \(reason)", needsDigest: needsDigest)
    }
}
