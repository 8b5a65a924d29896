import Dispatch
package import ImageModel
import Synchronization

/// Those who still read some bytes that are somebody else's.
package final class BufferReaders: Sendable {
    private let group = DispatchGroup()

    package init() {}

    func enter() { group.enter() }
    func leave() { group.leave() }

    /// Until there are none.
    package func wait() { group.wait() }
}

/// Hashes a stream on the threads that compress, while whoever has its bytes goes on.
///
/// Where two such streams have bytes waiting, a thread takes both in at once: most of the time a processor's SHA
/// instructions wait for the ones before, so that two streams take little longer than one.
package final class LaneHasher: Hashed, @unchecked Sendable {
    private struct Piece {
        var bytes: UnsafeRawBufferPointer
        var readers: BufferReaders
    }

    private enum Form {
        case lane(SHA256State)
        case library(DigestHasher)
        case ended(Digest)
    }

    /// Who has bytes waiting, and who works on them; it also guards `pieces` and `isWaiting` of all.
    private struct Board {
        /// In the order in which they came.
        var waiting: [LaneHasher] = []
        /// How many are being taken in.
        var taken = 0
        var threads = 0
    }

    private static let board = Mutex(Board())
    /// Bytes that a stream without company is hashed for, before somebody is looked for again.
    private static let aloneFor = 64 << 10

    /// Of everything that was added. Only for whoever adds.
    package private(set) var count: Int64 = 0
    private var pieces: [Piece] = []
    /// On the board, or taken from it.
    private var isWaiting = false
    /// Of whoever takes it from the board.
    private var form: Form
    /// Everything that was added.
    private let underway = BufferReaders()

    package init(_ algorithm: Digest.Algorithm = .sha256) {
        form =
            algorithm == .sha256 && SHA256State.isAvailable
            ? .lane(SHA256State()) : .library(DigestHasher(algorithm))
    }

    /// Adds what comes next.
    ///
    /// - Parameters:
    ///   - bytes: left alone as long as they have readers.
    ///   - readers: of the bytes.
    package func add(_ bytes: UnsafeRawBufferPointer, readers: BufferReaders) {
        guard !bytes.isEmpty else { return }
        count += Int64(bytes.count)
        underway.enter()
        readers.enter()
        let starts = Self.board.withLock { board in
            pieces.append(Piece(bytes: bytes, readers: readers))
            guard !isWaiting else { return false }
            isWaiting = true
            board.waiting.append(self)
            // A thread for every two.
            guard board.threads < (board.waiting.count + board.taken + 1) / 2 else { return false }
            board.threads += 1
            return true
        }
        if starts { Workers.compression.submit { Self.work() } }
    }

    /// Of everything that was added, once all is taken in; nothing can be added then.
    package func digest() -> Digest {
        underway.wait()
        let digest =
            switch form {
            case .lane(let state): Digest(sha256: state.finish())
            case .library(let hasher): hasher.finalize()
            case .ended(let digest): digest
            }
        form = .ended(digest)
        return digest
    }

    /// Somebody's first piece, and the whole blocks in it that are still to be taken in.
    private struct Turn {
        var hasher: LaneHasher
        var blocks: UnsafeRawBufferPointer

        init(_ hasher: LaneHasher, _ piece: UnsafeRawBufferPointer) {
            self.hasher = hasher
            switch hasher.form {
            case .lane(let state): blocks = state.takeEnds(of: piece)
            case .library(var library):
                library.update(piece)
                hasher.form = .library(library)
                blocks = UnsafeRawBufferPointer(rebasing: piece[..<0])
            case .ended: preconditionFailure("bytes were added to a hash that had ended")
            }
        }

        var state: SHA256State? { if case .lane(let state) = hasher.form { state } else { nil } }
    }

    /// Takes in what is on the board, as long as there is something.
    private static func work() {
        var turns: [Turn] = []
        while true {
            let done = turns.filter { $0.blocks.isEmpty }
            turns.removeAll { $0.blocks.isEmpty }
            let (finished, next) = board.withLock { board in
                let finished = done.map { turn in
                    let hasher = turn.hasher
                    let piece = hasher.pieces.removeFirst()
                    board.taken -= 1
                    // Behind the others, who have waited.
                    if hasher.pieces.isEmpty { hasher.isWaiting = false } else { board.waiting.append(hasher) }
                    return Handover((piece, hasher.underway))
                }
                let next = board.waiting.prefix(2 - turns.count).map { ($0, Handover($0.pieces[0])) }
                board.waiting.removeFirst(next.count)
                board.taken += next.count
                if turns.isEmpty, next.isEmpty { board.threads -= 1 }
                return (finished, next)
            }
            for end in finished {
                end.value.0.readers.leave()
                end.value.1.leave()
            }
            if turns.isEmpty, next.isEmpty { return }
            turns += next.map { Turn($0, $1.value.bytes) }
            if turns.count == 2, let first = turns[0].state, let second = turns[1].state {
                var (ours, theirs) = (turns[0].blocks, turns[1].blocks)
                SHA256State.take(&ours, into: first, &theirs, into: second)
                (turns[0].blocks, turns[1].blocks) = (ours, theirs)
            } else {
                for position in turns.indices { turns[position].state?.take(&turns[position].blocks, atMost: aloneFor) }
            }
        }
    }
}

/// Has what is read through it hashed on the threads that compress, while whoever reads goes on: for what takes a
/// processor of its own, such as inflating.
package final class LaneHashingSource: BlockSource {
    private static let blockSize = 256 << 10
    /// One to be filled, and two that are hashed or written.
    private static let blockCount = 3

    private let upstream: any ByteSource
    private let hasher: LaneHasher
    private let space = UnsafeMutableRawBufferPointer.allocate(byteCount: blockCount * blockSize, alignment: 64)
    private let readers = (0..<blockCount).map { _ in BufferReaders() }
    private var next = 0
    package var unread = UnsafeRawBufferPointer(start: nil, count: 0)

    /// - Parameter hasher: gets what is read.
    package init(_ upstream: any ByteSource, hashedBy hasher: LaneHasher) {
        self.upstream = upstream
        self.hasher = hasher
    }

    deinit {
        for readers in readers { readers.wait() }
        space.deallocate()
    }

    package func nextBlock() throws -> UnsafeRawBufferPointer {
        let readers = readers[next]
        readers.wait()
        let start = next * Self.blockSize
        let block = UnsafeMutableRawBufferPointer(rebasing: space[start..<start + Self.blockSize])
        let filled = UnsafeRawBufferPointer(rebasing: block[..<(try upstream.read(into: block))])
        hasher.add(filled, readers: readers)
        next = (next + 1) % Self.blockCount
        return filled
    }
}
