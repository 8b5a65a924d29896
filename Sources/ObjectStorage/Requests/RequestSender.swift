import AsyncHTTPClient
import ByteStreams
import ImageModel
import NIOCore
import NIOHTTP1

/// Signs requests to one bucket, sends them, and retries what may succeed later.
final class RequestSender: Sendable {
    /// Bytes that a slow connection takes in a second, for the deadline of a request with a body.
    private static let slowestPace = 32 << 10

    let endpoint: Endpoint
    let clock: ServerClock
    let options: StorageOptions
    private let network: NetworkClient
    private let credentials: CredentialCache
    private let budget = RetryBudget()

    /// - Throws: `ImageError.usage` for settings that cannot be used.
    init(_ options: StorageOptions, clock: ServerClock = ServerClock()) throws {
        self.options = options
        self.clock = clock
        let profile = try Profile(options.profile, environment: options.environment)
        var environment = options.environment
        if (environment["AWS_CA_BUNDLE"] ?? "").isEmpty, let file = profile["ca_bundle"] {
            environment["AWS_CA_BUNDLE"] = file
        }
        endpoint = try Endpoint(options, profile: profile)
        network = NetworkClient(options.network, environment: environment)
        credentials = CredentialCache(
            CredentialChain.sources(
                given: options.keys, profile: options.profile, region: endpoint.region, environment: environment,
                network: network))
    }

    /// The keys that sign now, for URLs that others use.
    func keys() async throws -> AccessKeys { try await credentials.keys() }

    /// A new count of retries, for what goes over several requests.
    var retries: Retries { Retries(options.retry, budget: budget) }

    /// `s3://bucket/key`
    func name(_ key: String?) -> String { "s3://\(endpoint.bucket)" + (key.map { "/\($0)" } ?? "") }

    /// Sends a request until it is answered for good, and has the answer read.
    ///
    /// Retried are temporary refusals, broken connections and garbled answers, also those that `read` finds. Keys that have
    /// expired are replaced once, and a clock that is wrong is corrected once.
    ///
    /// - Parameter read: reads an answer of success, or one whose status the request accepts. It is called again after a
    ///   retry, and has to read the whole body unless the request is streamed.
    /// - Throws: `ImageError`, `CancellationError`.
    func send<T: Sendable>(_ request: ObjectRequest, _ read: (Answer) async throws -> T) async throws -> T {
        var retries = self.retries
        let digest = request.body.map { Base64.encode(BodyDigest.md5($0)) }
        var hasNewKeys = false
        var hasNewTime = false
        while true {
            try Task.checkCancellation()
            let problem: String
            var failure: ImageError
            var pause: Duration?
            let keys = try await credentials.keys()
            do {
                let answer = try await attempt(request, keys, digest: digest, isRepeated: retries.isAmbiguous)
                let result = try await read(answer)
                budget.succeeded()
                return result
            } catch let refusal as StorageRefusal {
                if refusal.isAboutExpiredKeys, !hasNewKeys {
                    hasNewKeys = true
                    await credentials.forget(keys)
                    continue
                }
                if refusal.isAboutTime, !hasNewTime, clock.correct() {
                    hasNewTime = true
                    continue
                }
                failure = error(refusal, request, keys)
                problem = "\(refusal)"
                if refusal.isTemporary {
                    if refusal.status >= 500 || refusal.status == 200 { retries.isAmbiguous = true }
                    pause = retries.next(refusal.retryAfter)
                }
            } catch let garbled as GarbledAnswer {
                problem = garbled.problem
                failure = ImageError(
                    .service, "\(name(request.key)): cannot \(request.action): \(garbled.problem)",
                    hint: "check that \(endpoint.name) is an S3 server")
                retries.isAmbiguous = true
                pause = retries.next(nil)
            } catch let error where error is ImageError || error is CancellationError {
                throw error
            } catch let error as NetworkProblem {
                throw ImageError(.usage, cause: error)
            } catch {
                if Task.isCancelled { throw CancellationError() }
                problem = NetworkFailure.reason(error)
                failure = broken(request, error)
                if NetworkFailure.isTemporary(error) {
                    retries.isAmbiguous = true
                    pause = retries.next(nil)
                }
            }
            guard let pause else { throw failure }
            options.remark("\(name(request.key)): cannot \(request.action): \(problem); retrying")
            try await Task.sleep(for: pause)
        }
    }

    /// Sends a request whose answer has no content.
    func send(_ request: ObjectRequest) async throws { try await send(request) { try await $0.finish() } }

    private func attempt(
        _ request: ObjectRequest, _ keys: AccessKeys, digest: String?, isRepeated: Bool
    ) async throws -> Answer {
        let answer = try await exchange(request, keys, digest: digest, isRepeated: isRepeated)
        guard !(200..<300).contains(answer.status), !request.accepts.contains(answer.status) else { return answer }
        guard request.method == .HEAD, answer.status < 500, answer.status != 404 else {
            throw try await answer.refusal()
        }
        // An answer to HEAD has no body: a GET of as little as possible tells the reason.
        var question = request
        question.method = .GET
        if request.key == nil {
            question.query.append(("max-keys", "1"))
        } else {
            question.headers.append(("range", "bytes=0-0"))
        }
        let explanation = try await exchange(question, keys, digest: nil, isRepeated: false)
        throw try await (explanation.status >= 300 ? explanation : answer).refusal()
    }

    private func exchange(
        _ request: ObjectRequest, _ keys: AccessKeys, digest: String?, isRepeated: Bool
    ) async throws -> Answer {
        let address = endpoint.address
        var signed = SignableRequest(
            method: request.method.rawValue, path: endpoint.path(request.key), query: request.query,
            headers: [("host", address.authority)] + request.headers,
            payloadHash: digest == nil ? SignableRequest.emptyHash : SignableRequest.unsignedPayload)
        if let digest { signed.headers.append(("content-md5", digest)) }
        signed.headers.append(("x-amz-content-sha256", signed.payloadHash))
        Signer(keys: keys, region: endpoint.region).sign(&signed, at: clock.signingTime)
        var headers = HTTPHeaders(signed.headers)
        headers.add(name: "user-agent", value: options.userAgent ?? "dray/\(drayVersion)")
        headers.add(name: "accept-encoding", value: "identity")
        let query = signed.canonicalQuery
        let response = try await network.send(
            request.method, address, target: query.isEmpty ? signed.path : "\(signed.path)?\(query)",
            headers: headers, body: request.body, isSlow: request.isSlow, deadline: deadline(request))
        clock.note(response.headers.first(name: "date"))
        return Answer(
            status: Int(response.status.code), headers: response.headers, body: response.body, isRepeated: isRepeated,
            isBodiless: request.method == .HEAD)
    }

    /// A server that sends a byte now and then must not hold up a request for ever.
    private func deadline(_ request: ObjectRequest) -> Duration? {
        guard !request.isStreamed else { return nil }
        let base = request.isSlow ? options.network.slowTimeout : options.network.timeout * 2
        return base + .seconds((request.body?.readableBytes ?? 0) / Self.slowestPace)
    }

    private func error(_ refusal: StorageRefusal, _ request: ObjectRequest, _ keys: AccessKeys) -> ImageError {
        let step = RefusalAdvice.step(refusal, permission: request.permission, endpoint)
        var refusal = refusal
        refusal.message = keys.hidingSecrets(in: refusal.message)
        let words = refusal.message.isEmpty ? "" : " (\(refusal.message))"
        return ImageError(
            RefusalAdvice.kind(refusal), "\(name(request.key)): cannot \(request.action): \(refusal.code)\(words)",
            hint: step, cause: refusal)
    }

    /// The error for a connection that broke.
    func broken(_ request: ObjectRequest, _ error: any Error) -> ImageError {
        ImageError(
            .service,
            "\(name(request.key)): cannot \(request.action): \(endpoint.name): \(NetworkFailure.reason(error))",
            hint: NetworkFailure.advice(error), cause: error)
    }
}
