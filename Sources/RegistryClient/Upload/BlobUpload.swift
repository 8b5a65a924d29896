import ByteStreams
import ImageModel
import ImageTransfer
import NIOCore
import NIOHTTP1

/// A blob on its way into a registry.
///
/// The last bytes that were sent are kept until the registry has acknowledged them, so that what is lost on
/// a broken connection is sent again. What lies further back than that has to come from the source anew:
/// then `BlobLost` is thrown.
final class BlobUpload: BlobWriter {
    private let registry: Registry
    private let target: BlobTarget
    private var shape: UploadShape
    private var patience: Patience
    /// The newest place to upload to; nil before the first byte and when the session is lost.
    private var location: Address?
    private var exchange: HTTPExchange?
    /// What may have to be sent again: the bytes from `keptFrom` to `written`.
    private var kept: CircularBuffer<ByteBuffer> = []
    private var keptFrom: Int64 = 0
    /// Bytes that were given to `write`.
    private var total: Int64 = 0
    /// Bytes that the open request has taken, or that were acknowledged.
    private var sent: Int64 = 0
    private var isCommitted = false
    private var isCancelled = false
    private var isUnderway = true
    /// Whether the registry has a part of it, so that the rest comes in chunks.
    private var isResumed = false

    init(_ target: BlobTarget, to registry: Registry) {
        self.target = target
        self.registry = registry
        patience = Patience(registry.options)
        registry.uploads.began()
        shape = registry.uploads.shape(isKnown: target.digest != nil && target.size != nil)
    }

    deinit {
        exchange?.abandon()
        release()
    }

    private func release() {
        guard isUnderway else { return }
        isUnderway = false
        registry.uploads.ended()
    }

    private var repository: String { target.repository }
    private var title: String { "upload " + (target.digest.map { "the blob \($0)" } ?? "a layer") }
    private var options: RegistryOptions { registry.options }

    // MARK: Bytes

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        options.rateLimiter?.pass(bytes.count)
        let piece = ByteBuffer(bytes: bytes)
        kept.append(piece)
        total += Int64(bytes.count)
        try advance(isEnd: false)
        if case .chunks = shape { return }
        let share = registry.uploads.share
        while keptBytes > share, forgetFirst() {}
    }

    func flush() throws {
        try advance(isEnd: true)
        release()
    }

    private var keptBytes: Int64 { total - keptFrom }

    /// - Returns: false if what comes first was not sent yet.
    private func forgetFirst() -> Bool {
        guard let first = kept.first, keptFrom + Int64(first.readableBytes) <= sent else { return false }
        keptFrom += Int64(first.readableBytes)
        kept.removeFirst()
        return true
    }

    /// Everything before `offset` is with the registry.
    private func forget(before offset: Int64) {
        while let first = kept.first, keptFrom < offset {
            let count = min(Int64(first.readableBytes), offset - keptFrom)
            keptFrom += count
            if count == first.readableBytes {
                kept.removeFirst()
            } else {
                kept[kept.startIndex].moveReaderIndex(forwardBy: Int(count))
            }
        }
    }

    /// Sends what is there to be sent, over all obstacles.
    private func advance(isEnd: Bool) throws {
        while !isCommitted {
            do {
                if try step(isEnd: isEnd) { return }
            } catch  where RegistrySession.isNetwork(error) {
                exchange?.abandon()
                exchange = nil
                try recover(from: nil, problem: RegistrySession.reason(error))
            }
        }
    }

    /// - Returns: whether all that could be done is done.
    private func step(isEnd: Bool) throws -> Bool {
        if isEnd, total == 0, shape != .whole {
            try begin()
            return true
        }
        if case .chunks(let size) = shape { return try sendChunks(of: size, isEnd: isEnd) }
        try begin()
        let exchange = try exchange ?? openStream()
        self.exchange = exchange
        var offset = keptFrom
        for piece in kept {
            let end = offset + Int64(piece.readableBytes)
            defer { offset = end }
            guard end > sent else { continue }
            var rest = piece
            rest.moveReaderIndex(forwardBy: Int(max(0, sent - offset)))
            guard try exchange.send(rest) else {
                try answered(exchange)
                return false
            }
            sent = end
        }
        guard isEnd else { return true }
        try exchange.endBody()
        try answered(exchange)
        return isCommitted || self.exchange == nil && sent == total && keptFrom == total
    }

    /// Without PATCH, only what is known beforehand can be sent.
    private func needDigest() throws {
        guard target.digest == nil || target.size == nil else { return }
        dropSession()
        throw BlobLost(reason: "\(registry.host)/\(repository): the registry takes no PATCH", needsDigest: true)
    }

    /// Asks for a place to upload to, if there is none.
    private func begin() throws {
        guard location == nil, !isCommitted else { return }
        if registry.uploads.refusesPatches { try needDigest() }
        var path = "\(repository)/blobs/uploads/"
        if target.digest?.algorithm == .sha512 { path += "?digest-algorithm=sha512" }
        let answer = try registry.session.send(
            RegistryRequest(
                method: .POST, path: path, repository: repository, scope: .push(repository), action: title,
                headers: ["content-length": "0"]))
        answer.finish()
        try adopt(answer)
        sent = 0
    }

    /// Takes over a session that a refused mount has opened.
    func adopt(_ answer: HTTPAnswer) throws {
        if let least = answer.headers.first(name: "oci-chunk-min-length").flatMap({ Int($0) }) {
            registry.uploads.learn(leastChunk: least)
        }
        guard let next = answer.location else {
            throw problem(answer.status, "it names no place to upload to")
        }
        let base = try registry.session.base()
        guard next.scheme == "https" || base.scheme == "http" || !options.verifiesTLS else {
            throw problem(answer.status, "it wants the upload sent to \(next.origin), which is not encrypted")
        }
        if next.host != base.host, registry.uploads.isNews(next.host) {
            options.remark("\(registry.host) has uploads sent to another host, \(next.origin)")
        }
        location = next
    }

    private func openStream() throws -> HTTPExchange {
        guard let location else { throw problem(nil, "there is no place to upload to") }
        let headers: HTTPHeaders = ["content-type": "application/octet-stream"]
        if shape == .whole, let digest = target.digest, let size = target.size {
            return try registry.session.open(
                .PUT, location.adding([("digest", digest.description)]), headers, body: .stream(length: size),
                scope: .push(repository), repository: repository)
        }
        return try registry.session.open(
            .PATCH, location, headers, body: .stream(length: target.size), scope: .push(repository),
            repository: repository)
    }

    /// The answer to a streamed request is there, or is to be waited for.
    private func answered(_ exchange: HTTPExchange) throws {
        let head = try exchange.head()
        let answer = HTTPAnswer(head, of: exchange, from: try location ?? registry.session.base())
        self.exchange = nil
        switch answer.status {
        case 201 where sent == total, 204 where shape == .whole && sent == total:
            answer.finish()
            isCommitted = shape == .whole
            if shape != .whole { location = answer.location ?? location }
            forget(before: total)
        case 200..<300 where sent == total && shape != .whole:
            try adopt(answer)
            let taken = answer.uploaded
            answer.finish()
            if let taken, taken < total { return try resume(at: taken) }
            forget(before: total)
            patience.progressed()
        default: try recover(from: answer, problem: "")
        }
    }

    // MARK: Chunks

    private func sendChunks(of size: Int, isEnd: Bool) throws -> Bool {
        while keptBytes >= size || (isEnd && keptBytes > 0) {
            try begin()
            guard let location else { throw problem(nil, "there is no place to upload to") }
            let count = min(keptBytes, Int64(size))
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Int(count))
            for piece in kept where bytes.count < count {
                bytes += piece.readableBytesView.prefix(Int(count) - bytes.count)
            }
            let exchange = try registry.session.open(
                .PATCH, location,
                [
                    "content-type": "application/octet-stream",
                    "content-range": "\(keptFrom)-\(keptFrom + count - 1)",
                ],
                body: .bytes(bytes), scope: .push(repository), repository: repository)
            let answer = HTTPAnswer(try exchange.head(), of: exchange, from: location)
            guard (200..<300).contains(answer.status) else {
                try recover(from: answer, problem: "")
                return false
            }
            // 201 instead of 202 is some registries' way, without a new place.
            if answer.location != nil { try adopt(answer) }
            let taken = answer.uploaded ?? keptFrom + count
            answer.finish()
            guard taken > keptFrom, taken <= keptFrom + count else {
                if taken == keptFrom, patience.wait() { continue }
                throw problem(answer.status, "it has \(taken) bytes where \(keptFrom + count) were sent")
            }
            forget(before: taken)
            sent = taken
            patience.progressed()
        }
        return true
    }

    // MARK: Obstacles

    /// Finds a way on after a refusal or a broken connection, or gives up.
    private func recover(from answer: HTTPAnswer?, problem: String) throws {
        let status = answer?.status
        let refusal = answer.map { registry.session.error(request, $0) }
        switch status {
        case 401?:
            // A token that expired on the way: the headers of this answer tell where to get another.
            guard let answer,
                try registry.session.authorizer.learn(
                    from: answer, scope: .push(repository), repository: repository), patience.wait(.zero)
            else { throw refusal ?? self.problem(status, problem) }
        case 413?, 400?, 404?, 405?, 411?, 415?, 501?:
            let isTooLarge = status == 413
            if shape != .whole, status == 405 || status == 501 {
                registry.uploads.learnPatchIsRefused()
                try needDigest()
            }
            if status == 404, sent > 0, shape != .whole { break }
            guard let next = registry.uploads.next(after: shape, tooLarge: isTooLarge), !isResumed || isTooLarge else {
                throw refusal ?? self.problem(status, problem)
            }
            shape = next
            return try startOver()
        case 416?: break
        case let status? where !RegistrySession.isPassing(status): throw refusal ?? self.problem(status, problem)
        default: break
        }
        if status != 401 {
            guard patience.wait(answer?.headers.retryAfter) else { throw refusal ?? self.problem(status, problem) }
        }
        // After the closing PUT broke, the blob may be there all the same.
        if shape == .whole, sent == total, let digest = target.digest, let size = target.size, total == size,
            try registry.hasBlob(digest, size: size, in: repository)
        {
            isCommitted = true
            return forget(before: total)
        }
        guard let location, let state = try? uploadStatus(of: location), (200..<300).contains(state.status) else {
            return try startOver()
        }
        try adopt(state)
        // "0-0" is said of nothing and of one byte.
        guard let taken = state.uploaded, taken > 1 else { return try startOver() }
        try resume(at: taken)
    }

    private func uploadStatus(of location: Address) throws -> HTTPAnswer {
        let answer = try registry.session.send(
            RegistryRequest(
                method: .GET, path: "", address: location, repository: repository, scope: .push(repository),
                action: title, expects: [400, 404, 405, 416]))
        answer.finish()
        return answer
    }

    /// Goes on where the registry says that it is.
    private func resume(at offset: Int64) throws {
        guard offset >= keptFrom, offset <= total else { return try startOver() }
        forget(before: offset)
        sent = offset
        isResumed = true
        patience.progressed()
        if case .chunks = shape { return }
        shape = .chunks(max(UploadMemory.largestChunk / 2, 1))
    }

    /// A new session from the first byte: from what is kept, or from the source.
    private func startOver() throws {
        dropSession()
        isResumed = false
        sent = 0
        guard keptFrom == 0 else { throw BlobLost(reason: "\(registry.host)/\(repository): the upload broke off") }
    }

    private var request: RegistryRequest {
        RegistryRequest(method: .PATCH, path: "", repository: repository, scope: .push(repository), action: title)
    }

    private func problem(_ status: Int?, _ text: String) -> any Error {
        registry.session.error(request, status: status, problem: text)
    }

    // MARK: The end

    func commit(_ digest: Digest) throws {
        guard !isCommitted, !isCancelled else { return }
        guard let location else { throw problem(nil, "the upload was not begun") }
        var patience = Patience(options)
        while true {
            do {
                let answer = try registry.session.send(
                    RegistryRequest(
                        method: .PUT, path: "", address: location.adding([("digest", digest.description)]),
                        repository: repository, scope: .push(repository), action: "finish the blob \(digest)",
                        headers: ["content-length": "0", "content-type": "application/octet-stream"],
                        isRepeatable: false))
                answer.finish()
                break
            } catch let error as RegistryError where error.status.map(RegistrySession.isPassing) ?? true {
                // The answer may have been lost, not the blob.
                if try registry.hasBlob(digest, size: total, in: repository) { break }
                guard patience.wait() else { throw error }
            }
        }
        isCommitted = true
    }

    func cancel() {
        guard !isCommitted, !isCancelled else { return }
        isCancelled = true
        release()
        exchange?.abandon()
        exchange = nil
        dropSession()
        kept = []
    }

    /// Tells the registry that nothing more comes; if it does not hear, its own cleaning will do.
    private func dropSession() {
        exchange?.abandon()
        exchange = nil
        guard let location else { return }
        self.location = nil
        let exchange = try? registry.session.open(
            .DELETE, location, [:], body: .none, scope: .push(repository), repository: repository)
        guard let exchange, let head = try? exchange.head() else { return }
        HTTPAnswer(head, of: exchange, from: location).finish()
    }

    func written() throws -> any ByteSource {
        throw TransferError.refused(
            "\(registry.host)/\(repository): what was packed on its way cannot be packed in another form any more: "
                + "put the archive into a file first")
    }
}

extension HTTPAnswer {
    /// How many bytes of an upload the registry has: `Range: 0-LAST`.
    fileprivate var uploaded: Int64? {
        guard let range = headers.first(name: "range") else { return nil }
        let ends = range.split(separator: "=").last?.split(separator: "-") ?? []
        guard ends.count == 2, let last = Int64(ends[1]) else { return nil }
        return last + 1
    }
}
