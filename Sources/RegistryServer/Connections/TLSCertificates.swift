import ByteStreams
import HummingbirdCore
import ImageModel
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The certificate, key and client authorities of a listener, read again when a file changes.
///
/// Connections keep what they were opened with. Files that cannot be used are logged as an error, and what was read
/// before stays in use.
final class TLSCertificates: Service {
    private struct State {
        var context: NIOSSLContext
        /// The files' stamps when they were last read.
        var stamps: [FileStamp?]
        /// Whether the stamps tell of every later change.
        var isSettled: Bool
        /// The files' stamps when they were last checked for changes.
        var seen: [FileStamp?]
        /// What the log said last; nil after a success.
        var problem: String?
    }

    /// How often the files are looked at.
    private static let interval = Duration.seconds(1)

    private let settings: ServerConfiguration.TLS
    private let logger: Logger
    private let state: Mutex<State>
    /// Held by a worker while it reads the files, so that only one does.
    private let isReading = Mutex<Void>(())

    /// - Throws: `ImageError`.
    convenience init(_ settings: ServerConfiguration.TLS, logger: Logger) throws {
        let stamps = Self.stamps(settings)
        let first = State(
            context: try NIOSSLContext(settings), stamps: stamps, isSettled: Self.areSettled(stamps), seen: stamps)
        self.init(settings, first, logger: logger)
    }

    /// Swift 6.3 crashes on locks in an initializer that throws itself.
    private init(_ settings: ServerConfiguration.TLS, _ first: State, logger: Logger) {
        self.settings = settings
        self.logger = logger
        state = Mutex(first)
    }

    /// For new connections.
    var context: NIOSSLContext { state.withLock { $0.context } }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while (try? await Task.sleep(for: Self.interval)) != nil {
                try? await Workers.blobs.run { self.readChanges() }
            }
        }
    }

    /// Reads the files again, changed or not.
    func reload() async {
        try? await Workers.blobs.run {
            self.isReading.withLock { _ in self.read(Self.stamps(self.settings), isAsked: true) }
        }
    }

    /// Reads the files again if they have changed, and are not changing any more: the certificate and its key are
    /// rarely replaced in the same moment.
    private func readChanges() {
        isReading.withLock { _ in
            let stamps = Self.stamps(settings)
            let (isKnown, isStable) = state.withLock { state in
                defer { state.seen = stamps }
                return (state.isSettled && state.stamps == stamps, state.seen == stamps)
            }
            if !isKnown, isStable { read(stamps) }
        }
    }

    /// - Parameters:
    ///   - stamps: taken before the files are read, so that a later change is seen.
    ///   - isAsked: whether somebody waits for the result in the log.
    private func read(_ stamps: [FileStamp?], isAsked: Bool = false) {
        let result = Result { try NIOSSLContext(settings) }
        let remark = state.withLock { state -> (level: Logger.Level, text: String)? in
            let isNew = isAsked || state.stamps != stamps
            state.stamps = stamps
            state.isSettled = Self.areSettled(stamps)
            switch result {
            case .success(let context):
                state.context = context
                let isRemarkable = isNew || state.problem != nil
                state.problem = nil
                return isRemarkable ? (.info, "\(settings.certificate): the certificate was read again") : nil
            case .failure(let error):
                let problem = "\(error); the previous certificate stays in use"
                let isRemarkable = isNew || state.problem != problem
                state.problem = problem
                return isRemarkable ? (.error, problem) : nil
            }
        }
        if let remark { logger.log(level: remark.level, "\(remark.text)") }
    }

    private static func stamps(_ settings: ServerConfiguration.TLS) -> [FileStamp?] {
        ([settings.certificate, settings.key] + settings.clientAuthorities).map { try? FileStamp(of: $0) }
    }

    private static func areSettled(_ stamps: [FileStamp?]) -> Bool { stamps.allSatisfy { $0?.isSettled == true } }
}

extension NIOSSLContext {
    /// - Throws: `ImageError`.
    fileprivate convenience init(_ settings: ServerConfiguration.TLS) throws {
        let configuration = try TLSConfiguration(settings)
        do {
            try self.init(configuration: configuration)
        } catch {
            throw ImageError.refused(
                "\(settings.certificate) and \(settings.key) do not fit together; replace both")
        }
    }
}

/// TLS in front of another channel, with the certificate that counts when a connection is opened.
struct TLSConnections<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let certificates: TLSCertificates

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificates.context))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
