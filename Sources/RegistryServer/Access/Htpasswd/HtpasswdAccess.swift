import ByteStreams
import Glibc
import ImageModel
package import Logging
import Synchronization

/// Whoever has a user and password of an Apache password file may do anything: `auth.htpasswd`.
///
/// The file is read again when it changes, so that what it says now counts; while it cannot be read, nobody gets in,
/// and requests fail with that error rather than as if the password were wrong. Users who are not there cost as much
/// time as most who are. What was verified is remembered for as long as the user's hash stays the same, since bcrypt
/// at every request would leave room for a dozen requests a second.
///
/// Clients take turns when passwords are checked, and passwords of clients that have gone are not checked. Too many
/// waiting passwords of one client are refused with `Overload`.
///
/// A file that is missing when the server starts is made, as the original does, but without a password in the log:
/// see `HtpasswdFile.create`.
///
/// Source: distribution, registry/auth/htpasswd.
package final class HtpasswdAccess: AccessControl {
    /// The file as it was read.
    private struct Reading: Sendable {
        var stamp: FileStamp
        /// Debian's configuration names the directory that it lies in, and the original starts with that.
        var isDirectory: Bool { stamp.kind == .directory }
        /// Whether the stamp tells of every later change.
        var isSettled: Bool
        var digest: Digest
        var file: HtpasswdFile
    }

    /// More lines than these are not named one by one.
    private static let namedProblems = 10
    /// Time after which a client stops waiting.
    private static let patience = Duration.seconds(20)

    private let challenge: String
    private let path: String
    private let logger: Logger
    private let reading: Mutex<Reading>
    /// Held by a worker while it reads the file, so that one does.
    private let isReading = Mutex<Void>(())
    private let verified = VerifiedCache<Bool>()
    /// Their number is limited by that of connections, and for each client by its turns.
    private let checks = SharedWork<VerifiedCache<Bool>.Key, Bool>(
        clock: SystemClock(), limit: .max, busy: Overload.ofServer)
    private let turns = FairShare(units: Workers.passwords.count, patience: patience)

    /// Reads the file; makes it if it is missing.
    ///
    /// - Throws: `ImageError`, `ImageError.refused`.
    package init(realm: String, path: String, logger: Logger) throws {
        challenge = AuthorizationHeader.challenge("Basic", [("realm", realm)])
        self.path = path
        self.logger = logger
        if try fileKind(path) == nil {
            let secret = try HtpasswdFile.create(at: path)
            logger.warning(
                "\(path) was missing: made it, with the user 'docker'. The password is in \(secret): read and remove that"
            )
        }
        let first = try Self.read(path)
        reading = Mutex(first)
        if first.isDirectory {
            logger.warning("\(path): expected a password file, found a directory; nobody can log in until there is one")
        }
        report(first.file)
    }

    package func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String? {
        guard let authorization else { throw denied("no password was given") }
        guard let credentials = BasicCredentials(authorization) else {
            throw denied("the Authorization header is not Basic with a user and a password")
        }
        let (hash, isKnown) = try await current().file.hash(of: credentials.user)
        let key = verified.key(for: credentials.user, credentials.password, hash.text)
        if verified[key] == nil {
            guard try await matches(hash, credentials.password, key), isKnown else {
                throw denied("there is no such user with this password")
            }
            verified[key] = true
        }
        return String(decoding: credentials.user, as: UTF8.self)
    }

    /// Checks a password once for all requests that bring it at the same time, as those of one client do.
    private func matches(
        _ hash: BcryptHash, _ password: [UInt8], _ key: VerifiedCache<Bool>.Key
    ) async throws -> Bool {
        let share = ClientConnection.currentShare
        return try await checks.value(for: key, within: Self.patience, orThrow: Overload.ofServer) { [turns] isWanted in
            try await turns.run(on: .passwords, for: share, if: isWanted) { hash.matches(password) }
        }
    }

    /// Reads the file again, changed or not.
    package func reload() async {
        do {
            _ = try await Workers.blobs.run { try self.readAgain(always: true) }
        } catch {
            logger.error("\(error)")
        }
    }

    private func denied(_ reason: String) -> AccessDenied { AccessDenied(challenge: challenge, reason: reason) }

    // MARK: The file

    private func current() async throws -> Reading {
        if let fresh = try fresh() { return fresh }
        return try await Workers.blobs.run { try self.readAgain() }
    }

    /// What was read, if the file is still the same.
    private func fresh() throws -> Reading? {
        let stamp = try FileStamp(of: path)
        let known = reading.withLock { $0 }
        return known.isSettled && known.stamp == stamp ? known : nil
    }

    private func readAgain(always: Bool = false) throws -> Reading {
        try isReading.withLock { _ in
            if !always, let fresh = try fresh() { return fresh }
            let new = try Self.read(path)
            let old = reading.withLock { $0 }
            if new.digest != old.digest {
                logger.info("\(path) has changed and was read again")
                report(new.file)
            }
            reading.withLock { $0 = new }
            return new
        }
    }

    private static func read(_ path: String) throws -> Reading {
        // The stamp before the bytes: a change in between is seen next time.
        let stamp = try FileStamp(of: path)
        let isSettled = stamp.isSettled
        guard stamp.kind != .directory else {
            return Reading(stamp: stamp, isSettled: isSettled, digest: Digest(of: []), file: try HtpasswdFile([]))
        }
        guard let bytes = try TextFile.read(path, limit: HtpasswdFile.sizeLimit) else {
            throw ImageError.io(operation: "read", path: path, errno: ENOENT)
        }
        return Reading(
            stamp: stamp, isSettled: isSettled, digest: Digest(of: bytes), file: try HtpasswdFile(bytes))
    }

    private func report(_ file: HtpasswdFile) {
        for problem in file.problems.prefix(Self.namedProblems) { logger.warning("\(path): \(problem)") }
        let more = file.problems.count - Self.namedProblems
        if more > 0 { logger.warning("\(path): \(more) more lines are like that") }
    }
}
