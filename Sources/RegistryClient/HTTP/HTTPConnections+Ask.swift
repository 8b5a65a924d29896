import NIOHTTP1
import Synchronization

extension HTTPConnections {
    /// Redirects of one request.
    private static let redirectLimit = 10
    /// Number of retries after the target of a redirect answered 403.
    private static let mostRefusals = 2

    /// Sends a request until it is answered for good, and hands that answer to `use`.
    ///
    /// Waited out are connections that break, also while `use` reads, and refusals that may pass. Redirects are followed
    /// with the method and the body that the request has, though not from TLS to none.
    ///
    /// - Parameters:
    ///   - patience: nil to try only once.
    ///   - authorization: what to show to the place that is asked; not called once a redirect has led to another origin,
    ///     which may have chosen the rest of the way.
    /// - Throws: what broke the last try (`RedirectFailure` at the target of a redirect), or what `use` throws.
    func ask<T>(
        _ request: HTTPRequest, patience: Patience?, authorization: (Address) throws -> String?,
        _ use: (HTTPAnswer) throws -> T
    ) throws -> T {
        var patience = patience
        var current = request
        var redirects = 0
        var hasLeft = false
        var refusals = 0
        while true {
            do {
                hasLeft = hasLeft || !current.address.hasSameOrigin(as: request.address)
                let shown = hasLeft ? nil : try authorization(current.address)
                current.headers.remove(name: "authorization")
                if let shown { current.headers.add(name: "authorization", value: shown) }
                let exchange = try start(current)
                let head = try exchange.head()
                hasAnswered.store(true, ordering: .relaxed)
                let answer = HTTPAnswer(
                    head, of: exchange, from: current.address, isRedirected: redirects > 0,
                    authorization: shown)
                if redirects < Self.redirectLimit, let next = redirect(answer, of: request) {
                    redirects += 1
                    current.address = next
                    continue
                }
                // The signature in a redirect may have expired: the next one has another.
                let isRefused = answer.isRedirected && answer.status == 403 && request.method != .HEAD
                if isRefused { refusals += 1 }
                guard NetworkFailure.isPassing(status: answer.status) || isRefused && refusals <= Self.mostRefusals,
                    let pause = patience?.pause(
                        answer.headers.retryAfter, after: "\(answer.address.authority): HTTP status \(answer.status)")
                else { return try use(answer) }
                answer.finish()
                sleep(for: pause)
            } catch  where NetworkFailure.isOne(error) {
                let error = explained(cause(of: error, at: current.address), at: current.address)
                let host = current.address.authority
                guard !NetworkFailure.isFinal(error), !isNotRunning(error, at: current.address),
                    patience?.wait(after: "\(host): \(NetworkFailure.reason(error))") == true
                else {
                    throw redirects > 0 ? RedirectFailure(target: current.address, cause: error) : error
                }
            }
            // What a redirect promised may have passed.
            current.address = request.address
            redirects = 0
            hasLeft = false
        }
    }

    /// Whether nothing listens on this machine: a registry that has not answered yet is not going to be there in a
    /// moment, while one that has may be restarting.
    private func isNotRunning(_ error: any Error, at address: Address) -> Bool {
        address.isLoopback && NetworkFailure.isRefusedConnection(error) && !hasAnswered.load(ordering: .relaxed)
    }

    /// Returns what the server's certificate tells about a connection that did not come about; otherwise the error itself.
    private func explained(_ error: any Error, at address: Address) -> any Error {
        let isCertificate = address.scheme == "https" && NetworkFailure.isUntrusted(error)
        guard isCertificate || address.scheme == "http" && NetworkFailure.isBroken(error), mayProbe(address),
            let certificate = ServerCertificate(at: address)
        else { return error }
        return isCertificate ? certificate.failure(error) : TLSFailure.requiresTLS
    }

    /// Where a redirect leads, if it is to be followed.
    func redirect(_ answer: HTTPAnswer, of request: HTTPRequest) -> Address? {
        let isRead = request.method == .GET || request.method == .HEAD
        // Another origin may not lead a write on, least of all back to the registry.
        let hasLeft = !answer.address.hasSameOrigin(as: request.address)
        guard [301, 302, 307, 308].contains(answer.status) || (isRead && answer.status == 303),
            let next = answer.location, mayFollow(to: next, from: request.address),
            isRead || !hasLeft || next.hasSameOrigin(as: answer.address),
            !request.staysAtOrigin || next.hasSameOrigin(as: request.address)
        else { return nil }
        if case .stream = request.body { return nil }
        return next
    }

    /// Whether nothing that is encrypted so far would travel in the clear.
    func mayFollow(to next: Address, from address: Address) -> Bool {
        next.scheme == "https" || address.scheme == "http" || !options.verifiesTLS
    }
}
