import ByteStreams
import FoundationEssentials
import Glibc
import ImageModel
import ObjectStorage
import Synchronization

/// The agreement between those who write to a store in a bucket and those who collect its garbage, in any number of
/// processes on any number of machines.
///
/// A bucket has no lock that is given back when its owner dies, so nobody is kept out. Instead, whoever writes finds out
/// afterwards whether a collection ran beside it:
///
/// ```
/// .dray/bucket/collecting    while a collection deletes: who it is; renewed every few seconds, and void without that
/// .dray/bucket/generation    a new value for each collection, written after `collecting` and before it lists anything
/// ```
/// A writer knows a generation and that nobody collected then. It looks, writes what refers to what it saw, and reads the
/// generation again. If that is the same, every collection lists later than the write, and finds it. If not, the writer
/// waits for the end of the collection and does its work again: what it relied on may be gone.
final class BucketLock: Sendable {
    private struct State {
        /// Of a time at which nobody collected; nil before that was found out.
        var generation: [UInt8]?
        /// Links that this process wrote or read in that generation.
        var links: [String: [UInt8]] = [:]
    }

    /// What says who collects.
    struct Holder: Codable {
        var id: String
        var host: String
        var process: Int32
    }

    private let place: BucketPlace
    private let patience: Duration?
    private let state = Mutex(State())

    private static let collecting = ".dray/bucket/collecting"
    private static let generation = ".dray/bucket/generation"
    private static let sizeLimit = 4096
    private static let linkLimit = 20_000
    /// Seconds without renewal after which a collection counts as dead. It deletes nothing after half of that.
    static let validity = 120
    private static let pollInterval: UInt32 = 250_000

    /// - Parameter patience: time to wait for the end of a collection; nil for as long as it takes.
    init(_ place: BucketPlace, patience: Duration?) {
        self.place = place
        self.patience = patience
    }

    private func readGeneration() throws -> [UInt8] { try place.read(Self.generation, limit: Self.sizeLimit) ?? [] }
    private func readHolder() throws -> [UInt8]? { try place.read(Self.collecting, limit: Self.sizeLimit) }

    // MARK: Those who write

    /// The generation, as of a time at which nobody collected. Waits for the end of a collection.
    ///
    /// - Throws: `ImageError.io` with `EWOULDBLOCK` when the patience is over.
    func knownGeneration() throws -> [UInt8] {
        if let known = state.withLock({ $0.generation }) { return known }
        let start = ContinuousClock.now
        while true {
            let generation = try readGeneration()
            if try holder() == nil {
                state.withLock { $0 = State(generation: generation) }
                return generation
            }
            if let patience, ContinuousClock.now - start > patience {
                throw ImageError.io(operation: "lock", path: place.title, errno: EWOULDBLOCK)
            }
            usleep(Self.pollInterval)
        }
    }

    /// Whether no collection has begun since.
    func isCurrent(_ generation: [UInt8]) throws -> Bool {
        if try readGeneration() == generation { return true }
        state.withLock { $0 = State() }
        return false
    }

    /// A link that this process wrote or read, and that no collection has removed since.
    func link(_ file: String) -> [UInt8]? { state.withLock { $0.links[file] } }

    func remember(_ bytes: [UInt8], of file: String) {
        state.withLock { state in
            guard state.generation != nil else { return }
            if state.links.count >= Self.linkLimit { state.links = [:] }
            state.links[file] = bytes
        }
    }

    /// Makes everybody look again, since something that others may rely on is gone.
    func change() throws {
        try place.put(Array(uniqueName().utf8), at: Self.generation)
        state.withLock { $0 = State() }
    }

    /// Who collects at the moment.
    private func holder() throws -> ObjectInfo? {
        guard let info = try place.info(Self.collecting) else { return nil }
        let age = place.bucket.now - (info.lastModified ?? place.bucket.now)
        return age < Self.validity ? info : nil
    }

    // MARK: Those who collect

    /// A collection's right to delete.
    final class Hold {
        private let lock: BucketLock
        private let content: [UInt8]
        private var renewed = ContinuousClock.now

        fileprivate init(_ lock: BucketLock, _ content: [UInt8]) {
            self.lock = lock
            self.content = content
        }

        /// Makes sure that nobody else has taken over, and renews the hold where it is due.
        ///
        /// - Throws: `ImageError.refused` if it is lost.
        func renew() throws {
            let now = ContinuousClock.now
            guard try lock.readHolder() == content, now - renewed < .seconds(BucketLock.validity / 2) else {
                throw ImageError.refused(
                    "\(lock.place.title): the collection was interrupted for too long, or another one has begun; "
                        + "nothing more is deleted; run it again")
            }
            guard now - renewed > .seconds(BucketLock.validity / 8) else { return }
            try lock.place.put(content, at: BucketLock.collecting)
            renewed = now
        }

        /// Lets others write and collect.
        func end() throws {
            if try lock.readHolder() == content { try lock.place.remove(BucketLock.collecting) }
        }
    }

    /// Begins to collect: whoever writes from now on finds out.
    ///
    /// - Parameter isExclusive: whether the user knows that nobody else collects: for servers without conditional writes.
    /// - Throws: `ImageError.refused` if somebody else collects.
    func hold(isExclusive: Bool) throws -> Hold {
        let key = place.key(Self.collecting)
        let holder = Holder(id: uniqueName(), host: Self.hostName, process: getpid())
        let content = Array(try JSONEncoder().encode(holder))
        if try place.bucket.wait({ try await $0.probeIfAbsent(prefix: self.place.key(".dray/bucket/")) }) {
            if try place.bucket.wait({ try await $0.put(ifAbsent: key, content) }) == .exists {
                guard try self.holder() == nil else { throw try busy() }
                // Its owner is dead.
                try place.remove(Self.collecting)
                guard try place.bucket.wait({ try await $0.put(ifAbsent: key, content) }) == .written else {
                    throw try busy()
                }
            }
        } else {
            guard isExclusive else {
                throw ImageError.refused(
                    "\(place.title): the server has no conditional writes, so two collections could run at once; make "
                        + "sure that no other one runs, and add --exclusive")
            }
            guard try self.holder() == nil else { throw try busy() }
            try place.put(content, at: Self.collecting)
        }
        let hold = Hold(self, content)
        do {
            try hold.renew()
            try change()
        } catch {
            try? hold.end()
            throw error
        }
        return hold
    }

    private func busy() throws -> ImageError {
        let holder = try readHolder().flatMap { try? JSONDecoder().decode(Holder.self, from: Data($0)) }
        let who = holder.map { " (process \($0.process) on \($0.host))" } ?? ""
        return .refused(
            "\(place.title): another garbage collection is running\(who); wait until it is done. One that was killed "
                + "counts as done \(Self.validity) seconds later")
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
