import ByteStreams
import ImageModel
import ImageTransfer
import NIOHTTP1

/// A blob as it comes from a registry. Where the connection breaks, it goes on from there.
final class BlobDownload: ByteSource {
    private let registry: Registry
    private let blob: Descriptor
    private let repository: String
    private var position: Int64 = 0
    private var answer: HTTPAnswer?
    private var patience: Patience
    private var isEnded = false

    init(_ blob: Descriptor, in repository: String, of registry: Registry) {
        self.blob = blob
        self.repository = repository
        self.registry = registry
        patience = Patience(registry.options)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while !isEnded {
            do {
                if answer == nil { answer = try open() }
                guard let answer else { return 0 }
                // Many small pieces make one large one for whoever hashes and writes.
                let count = try answer.read(into: buffer)
                if count > 0 {
                    position += Int64(count)
                    patience.progressed()
                    registry.options.rateLimiter?.pass(count)
                    return count
                }
                guard blob.size >= 0, position < blob.size, answer.length == nil else {
                    isEnded = true
                    return 0
                }
                // Without a length, an end may be a broken connection.
                self.answer = nil
                guard patience.wait() else {
                    isEnded = true
                    return 0
                }
            } catch  where RegistrySession.isNetwork(error) {
                answer = nil
                guard patience.wait() else {
                    throw registry.session.error(request, status: nil, problem: RegistrySession.reason(error))
                }
            }
        }
        return 0
    }

    private var request: RegistryRequest {
        RegistryRequest(
            method: .GET, path: registry.blobPath(blob.digest, repository), repository: repository,
            scope: .pull(repository), action: "get the blob \(blob.digest)")
    }

    /// - Returns: nil if there is nothing more to come.
    private func open() throws -> HTTPAnswer? {
        var request = request
        request.expects = [404, 416]
        if position > 0 { request.headers.add(name: "range", value: "bytes=\(position)-") }
        let answer = try registry.session.send(request)
        switch answer.status {
        case 404:
            throw TransferError.notFound("\(registry.host)/\(repository) has no blob \(blob.digest)")
        case 416:
            guard position > 0 else { throw registry.session.error(request, answer) }
            isEnded = true
            return nil
        case 206:
            let start = answer.headers.first(name: "content-range")?.split(whereSeparator: { " -/".contains($0) })
            guard start.map({ $0.count > 1 && Int64($0[1]) == position }) ?? true else {
                throw registry.session.error(request, status: 206, problem: "it sent another part than was asked for")
            }
            return answer
        default:
            try skip(position, of: answer)
            return answer
        }
    }

    /// The registry does not send parts: what is known already comes again.
    private func skip(_ count: Int64, of answer: HTTPAnswer) throws {
        guard count > 0 else { return }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { scratch.deallocate() }
        var rest = count
        while rest > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Int(min(rest, Int64(scratch.count)))])
            let got = try answer.read(into: piece)
            guard got > 0 else { break }
            rest -= Int64(got)
        }
    }
}
