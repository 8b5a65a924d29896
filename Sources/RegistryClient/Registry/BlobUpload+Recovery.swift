import ImageModel
import ImageTransfer
import NIOHTTP1

extension BlobUpload {
    /// What stopped a leg.
    enum Obstacle {
        case broken(any Error)
        case refused(HTTPAnswer)
    }

    /// Tokens that are fetched anew while nothing gets through: more than one may have been about to expire.
    private static let mostRenewals = 5

    /// How often a session is asked for again that was begun a moment ago: some registries need that moment.
    private static let mostUnknowns = 2

    /// Finds a way on after a refusal or a broken connection, or gives up.
    func recover(from obstacle: Obstacle) throws {
        let stopped = leg
        leg = nil
        let failure: any Error
        let problem: String
        var advice: Duration?
        switch obstacle {
        case .broken(let error):
            stopped?.exchange.abandon()
            failure = registry.session.failure(session.request(.PATCH), brokenBy: error).error
            problem = NetworkFailure.reason(error)
        case .refused(let answer):
            let refusal = registry.session.failure(session.request(.PATCH), answer)
            failure = refusal.error
            problem = "HTTP status \(answer.status)"
            advice = answer.headers.retryAfter
            if answer.status == 401 {
                guard try renew(answer) else { throw failure }
                return try resume(failure)
            }
            if refusal.isUnknownUpload, acknowledged == 0, bytes.start == 0, unknowns < Self.mostUnknowns {
                unknowns += 1
                guard record.patience.wait(advice, after: retried(problem)) else { throw failure }
                // It may be unknown because it is finished.
                if shape == .whole, let stopped, stopped.sent == stopped.end, let known {
                    isCommitted = try registry.hasBlob(known.digest, size: known.size, in: target.repository)
                }
                return
            }
            if try isAnotherShape(answer.status, stopped) { return try startOver(failure) }
            guard
                answer.isSuccess || [404, 416].contains(answer.status)
                    || NetworkFailure.isPassing(status: answer.status)
            else { throw failure }
        }
        guard record.patience.wait(advice, after: retried(problem)) else { throw failure }
        // After a closing request broke, the blob may be there all the same.
        if shape == .whole, let stopped, stopped.sent == stopped.end, let known,
            try appears(known.digest, known.size, silentSince: stopped.last)
        {
            isCommitted = true
            return
        }
        try resume(failure)
    }

    /// What is tried again, and why.
    func retried(_ problem: String) -> String { "\(registry.host): upload: \(problem)" }

    /// - Returns: whether there is a new token.
    private func renew(_ answer: HTTPAnswer) throws -> Bool {
        renewals += 1
        guard renewals <= Self.mostRenewals else { return false }
        return try registry.session.authorizer.learn(
            from: answer, scope: .push(target.repository), repository: target.repository, shown: nil,
            isAgain: renewals > 1)
    }

    /// Whether it was the shape of the request that the registry did not like, and there is another.
    private func isAnotherShape(_ status: Int, _ stopped: Leg?) throws -> Bool {
        let isTooLarge = status == 413
        guard isTooLarge || [400, 404, 405, 411, 415, 501].contains(status) else { return false }
        if shape != .whole {
            if status == 405 || status == 501 {
                registry.uploads.learnPatchIsRefused()
                if known == nil {
                    session.drop()
                    throw lost(needsDigest: true, "the registry takes no PATCH")
                }
            }
            // The registry has forgotten the session.
            if status == 404 { return false }
            // It has taken others of this kind.
            if acknowledged > 0, !isTooLarge { return false }
            if record.prefersChunks, !isTooLarge {
                record.prefersChunks = false
                shape = firstShape()
                return true
            }
        }
        var refused = shape
        if case .chunks = shape, let stopped, let end = stopped.end { refused = .chunks(Int(end - acknowledged)) }
        guard let next = registry.uploads.next(after: refused, tooLarge: isTooLarge) else { return false }
        shape = next
        return true
    }

    /// Goes on where the registry says that it is, or from the start.
    private func resume(_ failure: any Error) throws {
        // "0-0" is said of nothing and of one byte.
        guard let offset = session.status(), offset > 1, offset >= bytes.start, offset <= bytes.end else {
            record.prefersChunks = record.prefersChunks || acknowledged > 0 || bytes.end > 0
            return try startOver(failure)
        }
        acknowledge(offset)
        if case .chunks = shape { return }
        shape = registry.uploads.chunks
    }

    /// A new session from the first byte: from what is kept, or from the source.
    private func startOver(_ failure: any Error) throws {
        session.drop()
        acknowledged = 0
        guard bytes.start == 0 else { throw lost("\(failure)") }
        if record.prefersChunks { shape = firstShape() }
    }

    // MARK: The end

    /// The closing request after all bytes were sent. Its answer may be lost, or be long in coming: then the
    /// blob is looked for.
    func close(_ digest: Digest) throws {
        let size = bytes.end
        var isRepeated = false
        while true {
            let began = ContinuousClock.now
            do {
                let answer = try session.close(digest)
                guard try isStored(answer, digest, size: size) else {
                    throw problem(answer.status, "it does not have the blob all the same")
                }
                break
            } catch let error as ImageError {
                guard let failure = error.request else { throw error }
                let isPassing = failure.status.map { NetworkFailure.isPassing(status: $0) } ?? true
                let isGone = isRepeated && [400, 404, 416].contains(failure.status)
                guard isPassing || isGone || failure.isUnknownUpload else { throw error }
                if try appears(digest, size, silentSince: began) { break }
                guard record.patience.wait(after: retried(failure.problem)) else { throw error }
                if isGone {
                    try startOver(error)
                    try advance(isEnd: true)
                    if isCommitted { return }
                }
                isRepeated = !isGone
            }
        }
        isCommitted = true
    }

    /// 201 is what the specification says, and 204 what some say; of others it is not sure.
    func isStored(_ answer: HTTPAnswer, _ digest: Digest, size: Int64) throws -> Bool {
        try answer.status == 201 || answer.status == 204
            || registry.hasBlob(digest, size: size, in: target.repository)
    }

    /// Whether the blob is there. Where the registry was silent for a while before the connection broke, it may
    /// still be putting the blob together: then it is looked for several times.
    private func appears(_ digest: Digest, _ size: Int64, silentSince start: ContinuousClock.Instant) throws -> Bool {
        let isSlow = ContinuousClock.now - start > .seconds(1)
        var patience = Patience(registry.options, atMost: isSlow ? 6 : 0)
        repeat {
            if try registry.hasBlob(digest, size: size, in: target.repository) { return true }
        } while patience.wait(after: nil)
        return false
    }
}
