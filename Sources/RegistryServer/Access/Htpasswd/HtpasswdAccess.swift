import ByteStreams
import Glibc
import ImageModel
package import Logging
import Synchronization

/// Whoever has a user and password of an Apache password file may do anything: `auth.htpasswd`.
///
/// The file is read again when it changes, so that what it says now counts; while it cannot be read, nobody gets in,
/// and requests fail with that error rather than as if the password were wrong. Users who are not there cost as much
/// time as those who are. What was verified is remembered until the file changes, since bcrypt at every request would
/// leave room for a dozen requests a second.
///
/// A file that is missing when the server starts is made, as the original does, but without a password in the log:
/// see `HtpasswdFile.create`.
///
/// Source: distribution, registry/auth/htpasswd.
package final class HtpasswdAccess: AccessControl {
    /// The file as it was read.
    private struct Reading: Sendable {
        var stamp: FileStamp
        /// Whether the stamp tells of every later change.
        var isSettled: Bool
        var digest: Digest
        var file: HtpasswdFile
        var verified = VerifiedCache<Bool>()
    }

    /// More lines than these are not named one by one.
    private static let namedProblems = 10

    private let challenge: String
    private let path: String
    private let logger: Logger
    private let reading: Mutex<Reading>
    /// Held by a worker while it reads the file, so that one does.
    private let isReading = Mutex<Void>(())

    /// Reads the file; makes it if it is missing.
    ///
    /// - Throws: `StreamError`, `TransferError.refused`.
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
        report(first.file)
    }

    package func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String? {
        guard let authorization else { throw denied("no password was given") }
        guard let credentials = BasicCredentials(authorization) else {
            throw denied("the Authorization header is not Basic with a user and a password")
        }
        let reading = try await current()
        let (hash, isKnown) = reading.file.hash(of: credentials.user)
        let key = reading.verified.key(for: credentials.user, credentials.password, hash.text)
        if reading.verified[key] == nil {
            let isGood = try await Workers.passwords.run {
                // A client sends many requests at once: while this one waited, another may have done the work.
                if reading.verified[key] != nil { return true }
                let matches = hash.matches(credentials.password)
                if matches && isKnown { reading.verified[key] = true }
                return matches && isKnown
            }
            guard isGood else { throw denied("there is no such user with this password") }
        }
        return String(decoding: credentials.user, as: UTF8.self)
    }

    private func denied(_ reason: String) -> AccessDenied { AccessDenied(challenge: challenge, reason: reason) }

    // MARK: The file

    private func current() async throws -> Reading {
        if let fresh = try fresh() { return fresh }
        return try await Workers.passwords.run { try self.readAgain() }
    }

    /// What was read, if the file is still the same.
    private func fresh() throws -> Reading? {
        let stamp = try FileStamp(of: path)
        let known = reading.withLock { $0 }
        return known.isSettled && known.stamp == stamp ? known : nil
    }

    private func readAgain() throws -> Reading {
        try isReading.withLock { _ in
            if let fresh = try fresh() { return fresh }
            var new = try Self.read(path)
            let old = reading.withLock { $0 }
            if new.digest == old.digest {
                new.verified = old.verified
            } else {
                logger.info("\(path) has changed and was read again")
                report(new.file)
            }
            let result = new
            reading.withLock { $0 = result }
            return result
        }
    }

    private static func read(_ path: String) throws -> Reading {
        // The stamp before the bytes: a change in between is seen next time.
        let stamp = try FileStamp(of: path)
        let isSettled = stamp.isSettled
        guard let bytes = try TextFile.read(path, limit: HtpasswdFile.sizeLimit) else {
            throw StreamError.io(operation: "read", path: path, errno: ENOENT)
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
