import AsyncHTTPClient
import ImageModel
import NIOCore
import NIOHTTP1

/// Requests to the services that hand out temporary keys.
struct RoleClient: Sendable {
    private static let sizeLimit = 64 << 10
    private static let attempts = 3

    let network: NetworkClient

    struct RoleAnswer {
        let status: Int
        let bytes: [UInt8]
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// Sends a small request; retries broken connections and failures of the server.
    ///
    /// - Parameters:
    ///   - deadline: for each try.
    ///   - name: the service, for messages.
    /// - Throws: `ImageError.unauthorised`.
    func ask(
        _ method: HTTPMethod, _ address: ServerAddress, _ target: String, headers: HTTPHeaders = [:],
        body: String? = nil,
        deadline: Duration = .seconds(5), name: String
    ) async throws -> RoleAnswer {
        var failures = 0
        while true {
            do {
                let response = try await network.send(
                    method, address, target: target, headers: headers, body: body.map { ByteBuffer(string: $0) },
                    deadline: deadline)
                let bytes = try await response.body.collect(upTo: Self.sizeLimit)
                let status = Int(response.status.code)
                guard status >= 500 || status == 429, failures + 1 < Self.attempts else {
                    return RoleAnswer(status: status, bytes: Array(bytes.readableBytesView))
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch let problem as NetworkProblem {
                throw ImageError(.unauthorised, cause: problem)
            } catch {
                guard NetworkFailure.isTemporary(error), failures + 1 < Self.attempts else {
                    throw ImageError(
                        .unauthorised, "\(name) (\(address.origin)): \(NetworkFailure.reason(error))",
                        hint: NetworkFailure.advice(error), cause: error)
                }
            }
            failures += 1
            try await Task.sleep(for: .milliseconds(100 << failures))
        }
    }
}
