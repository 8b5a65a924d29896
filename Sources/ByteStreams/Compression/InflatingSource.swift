import ImageModel

/// The inverse of gzip or zstd over what is read from another source.
///
/// All members or frames are read, one right after the other; zeros may follow the last where that is said, anything else
/// is damage.
package final class InflatingSource: ByteSource {
    private let upstream: any ByteSource
    private let inflater: any Inflater
    private let limit: InflationLimit
    private let takesPadding: Bool
    private let name: String
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    private var unread = 0..<0
    /// Compressed bytes that were inflated so far.
    package private(set) var consumed: Int64 = 0
    private var produced: Int64 = 0
    private var state = State.between
    /// Whether the decompressor may hold bytes for which there was no room.
    private var isOutputPending = false

    private enum State {
        /// Before a member.
        case between
        case inside
        /// In the zeros after the last member.
        case padding
        case ended
    }

    /// - Parameters:
    ///   - format: gzip or zstd.
    ///   - takesPadding: whether zeros may follow, which gzip passes over, and Go's programs refuse.
    ///   - name: of the stream, for messages.
    /// - Throws: `ImageError.damaged` if the format is another.
    package convenience init(
        _ upstream: any ByteSource, format: CompressionFormat, limit: InflationLimit = .standard,
        takesPadding: Bool = true, name: String
    ) throws {
        let inflater: any Inflater
        switch format {
        case .gzip: inflater = makeGzipInflater()
        case .zstd: inflater = ZstdInflater()
        case .none, .xz, .bzip2:
            throw ImageError.damaged("\(name) is neither gzip nor zstd (it is \(format.rawValue))")
        }
        self.init(upstream, inflater: inflater, limit: limit, takesPadding: takesPadding, name: name)
    }

    package init(
        _ upstream: any ByteSource, inflater: any Inflater, limit: InflationLimit = .standard,
        takesPadding: Bool = true, name: String
    ) {
        self.takesPadding = takesPadding
        self.upstream = upstream
        self.inflater = inflater
        self.limit = limit
        self.name = name
    }

    deinit { input.deallocate() }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while state != .ended {
            // What did not fit into the last buffer comes before new input.
            if unread.isEmpty, !isOutputPending {
                let count = try upstream.read(into: input)
                unread = 0..<count
                if count == 0 {
                    guard state != .inside, consumed > 0 else {
                        throw ImageError.damaged(
                            "\(name) is truncated: its compressed data ends too early, at compressed offset \(consumed)"
                        )
                    }
                    state = .ended
                    break
                }
            }
            if state == .padding || (takesPadding && state == .between && consumed > 0 && input[unread.lowerBound] == 0)
            {
                try skipPadding()
                continue
            }
            let step: InflaterStep
            do {
                step = try inflater.inflate(UnsafeRawBufferPointer(rebasing: input[unread]), into: buffer)
            } catch let error as InflaterError {
                throw ImageError.damaged(
                    "\(name) is damaged: \(error.reason) at compressed offset \(consumed + Int64(error.consumed))")
            }
            state = step.isAtEnd ? .between : .inside
            isOutputPending = !step.isAtEnd && step.produced == buffer.count
            unread = unread.lowerBound + step.consumed..<unread.upperBound
            consumed += Int64(step.consumed)
            produced += Int64(step.produced)
            try limit.check(consumed: consumed, produced: produced, name: name)
            if step.produced > 0 { return step.produced }
        }
        return 0
    }

    /// Tape blocks and some writers fill up with zeros.
    private func skipPadding() throws {
        state = .padding
        let zeros = input[unread].prefix { $0 == 0 }.count
        consumed += Int64(zeros)
        unread = unread.lowerBound + zeros..<unread.upperBound
        guard unread.isEmpty else {
            throw ImageError.damaged(
                "\(name) is damaged: something else follows its compressed data at compressed offset \(consumed)")
        }
    }
}

package struct InflaterStep {
    package var consumed: Int
    package var produced: Int
    /// Whether a member or frame ended; the next byte begins another.
    package var isAtEnd: Bool
}

struct InflaterError: Error {
    var reason: String
    /// Bytes of the step's input before the damage was noticed.
    package var consumed: Int
}

/// A decompressor's inner loop. State that C keeps pointers into is allocated once and never moved.
package protocol Inflater: AnyObject {
    func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> InflaterStep
}

private func makeGzipInflater() -> any Inflater {
    #if ISAL
        ISALInflater()
    #else
        ZlibInflater()
    #endif
}

/// How much more may come out of a compressed stream than went in, so that a small file cannot fill a disk.
package struct InflationLimit: Sendable, Hashable {
    /// Bytes out for each byte in, once `allowance` is used up.
    package var ratio: Int
    /// Bytes that may come out whatever the ratio.
    package var allowance: Int64

    package init(ratio: Int = 2000, allowance: Int64 = 64 << 20) {
        self.ratio = ratio
        self.allowance = allowance
    }

    package static let standard = InflationLimit()

    package func check(consumed: Int64, produced: Int64, name: String) throws {
        guard produced > allowance, produced / Int64(max(1, ratio)) > consumed else { return }
        throw ImageError.limit(
            "\(name) inflates \(consumed) bytes to more than \(produced), beyond \(ratio):1: "
                + "it looks like a decompression bomb; --max-inflation raises the limit")
    }
}

/// How a stream is packed.
package enum CompressionFormat: String, Sendable, CaseIterable {
    case none
    case gzip
    case zstd
    case xz
    case bzip2

    /// Told from the first six bytes.
    package static func sniff(_ bytes: some Collection<UInt8>) -> CompressionFormat {
        let magics: [(CompressionFormat, [UInt8])] = [
            (.gzip, [0x1f, 0x8b, 0x08]), (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
            (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), (.bzip2, [0x42, 0x5a, 0x68]),
        ]
        return magics.first { bytes.starts(with: $0.1) }?.0 ?? .none
    }
}
