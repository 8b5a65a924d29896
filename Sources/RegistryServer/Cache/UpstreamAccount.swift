package import Logging
package import RegistryClient
import Synchronization

/// The account that a cache has at its upstream: the one that the configuration gives it, or none. Logins of the user
/// who runs the server are for that user alone, and do not count.
package final class UpstreamAccount: Sendable {
    private struct State {
        var credentials: Credentials?
        /// nil before the program was run.
        var renewsAt: Duration?
        var isFixed = false
    }

    private let run: (@Sendable () async throws -> Credentials?)?
    private let lifetime: Duration?
    private let state = Mutex(State())
    private let renewals: SharedWork<Int, Credentials?>
    private let clock: any CacheClock
    private let logger: Logger

    /// - Parameters:
    ///   - run: runs the configured program.
    ///   - lifetime: of the program's credentials: zero for one request, nil for good.
    package init(
        _ credentials: Credentials?, renewedBy run: (@Sendable () async throws -> Credentials?)? = nil,
        every lifetime: Duration? = nil, clock: any CacheClock, logger: Logger
    ) {
        self.run = run
        self.lifetime = lifetime
        self.clock = clock
        self.logger = logger
        renewals = SharedWork(clock: clock, limit: 1, busy: UpstreamFailure.busy)
        state.withLock { $0.credentials = credentials }
    }

    convenience init(_ proxy: ServerConfiguration.Proxy, host: String, clock: any CacheClock, logger: Logger) {
        guard let command = proxy.credentialCommand else {
            var account: Credentials?
            if let user = proxy.username, let password = proxy.password {
                account = .password(user: user, password: password)
            }
            self.init(account, clock: clock, logger: logger)
            return
        }
        let helper = CredentialHelper(program: command.program, namedBy: "proxy.exec")
        self.init(
            nil, renewedBy: { try await helper.get(server: host) }, every: command.lifetime, clock: clock,
            logger: logger)
    }

    /// Time after which a program that failed is run again.
    private static let pause = Duration.seconds(10)
    private static let patience = Duration.seconds(60)

    /// The credentials for the next request.
    package func current() async -> Credentials? {
        guard let run else { return state.withLock { $0.credentials } }
        let now = clock.now
        let known: Credentials?? = state.withLock { state in
            guard state.isFixed || state.renewsAt.map({ now < $0 }) == true else { return nil }
            return .some(state.credentials)
        }
        if let known { return known }
        do {
            return try await renewals.value(for: 0, within: Self.patience, orThrow: Self.late) { [self] isWanted in
                // From here on it runs to its end, whoever goes.
                guard isWanted() else { throw CancellationError() }
                do {
                    let new = try await run()
                    keep(new)
                    return new
                } catch {
                    // What it gave before may still be good; and public images need none.
                    logger.error("proxy.exec: \(error)")
                    return state.withLock { state in
                        state.renewsAt = clock.now + Self.pause
                        return state.credentials
                    }
                }
            }
        } catch {
            return state.withLock { $0.credentials }
        }
    }

    private static let late = UpstreamFailure(.silent, "proxy.exec does not answer")

    private func keep(_ new: Credentials?) {
        state.withLock { state in
            state.credentials = new
            state.isFixed = lifetime == nil
            state.renewsAt = lifetime.map { clock.now + $0 }
        }
    }
}
