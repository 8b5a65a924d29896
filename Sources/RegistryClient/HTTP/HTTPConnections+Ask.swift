import NIOHTTP1

extension HTTPConnections {
    /// Sends a request until it is answered for good, and hands that answer to `use`.
    ///
    /// Waited out are connections that break, also while `use` reads, and refusals that may pass. GET and HEAD
    /// follow redirects, though not from TLS to none.
    ///
    /// - Parameters:
    ///   - patience: nil to try only once.
    ///   - authorization: what to show to the place that is asked.
    /// - Throws: what broke the last try, or what `use` throws.
    func ask<T>(
        _ request: HTTPRequest, patience: Patience?, authorization: (Address) throws -> String?,
        _ use: (HTTPAnswer) throws -> T
    ) throws -> T {
        var patience = patience
        var current = request
        var redirects = 0
        while true {
            do {
                if let authorization = try authorization(current.address) {
                    current.headers.replaceOrAdd(name: "authorization", value: authorization)
                } else {
                    current.headers.remove(name: "authorization")
                }
                let exchange = try start(current)
                let answer = HTTPAnswer(try exchange.head(), of: exchange, from: current.address)
                if let next = redirect(answer, of: request), redirects < 10 {
                    redirects += 1
                    current.address = next
                    continue
                }
                guard NetworkFailure.isPassing(status: answer.status),
                    let pause = patience?.pause(answer.headers.retryAfter)
                else { return try use(answer) }
                answer.finish()
                sleep(for: pause)
            } catch  where NetworkFailure.isOne(error) && !NetworkFailure.isFinal(error) {
                guard patience?.wait() == true else { throw error }
            }
            // What a redirect promised may have passed.
            current.address = request.address
            redirects = 0
        }
    }

    /// Where a redirect leads, if it is to be followed.
    private func redirect(_ answer: HTTPAnswer, of request: HTTPRequest) -> Address? {
        guard [301, 302, 303, 307, 308].contains(answer.status), request.method == .GET || request.method == .HEAD,
            let next = answer.location,
            next.scheme == "https" || request.address.scheme == "http" || !options.verifiesTLS
        else { return nil }
        return next
    }
}
