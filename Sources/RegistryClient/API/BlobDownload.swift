import ByteStreams
import ImageModel
import ImageTransfer
import NIOHTTP1

/// A blob as it comes from a registry. Where the connection breaks, it goes on from there; and where a mirror
/// fails, with the next place that has it.
final class BlobDownload: ByteSource {
    private let blob: Descriptor
    private let routes: RegistryPlaces
    /// That may have it; the first is asked.
    private var places: ArraySlice<RegistryPlace>
    private var position: Int64 = 0
    private var answer: HTTPAnswer?
    private var patience: Patience
    private var isEnded = false
    /// A part was asked for, and another one came.
    private var sendsWrongParts = false

    /// - Parameter repository: as the user names it.
    init(_ blob: Descriptor, in repository: String, of routes: RegistryPlaces) {
        self.blob = blob
        self.routes = routes
        places = routes.all(repository, byDigest: true)[...]
        patience = Patience((places.first?.route ?? routes.main).registry.options)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while !isEnded, let place = places.first {
            do {
                if answer == nil { answer = try open(place) }
                guard let answer else { continue }
                let count = try answer.read(into: buffer)
                if count > 0 {
                    position += Int64(count)
                    patience.progressed()
                    place.registry.options.rateLimiter?.pass(count)
                    return count
                }
                // Without a length, an end may be a broken connection.
                guard blob.size >= 0, position < blob.size, answer.length == nil, patience.wait() else {
                    isEnded = true
                    return 0
                }
                self.answer = nil
            } catch {
                answer = nil
                if NetworkFailure.isOne(error), patience.wait() { continue }
                let failure =
                    NetworkFailure.isOne(error) ? place.registry.session.broken(request(place), error) : error
                guard places.count > 1 else { throw failure }
                routes.passOver(place, failure)
                next()
            }
        }
        return 0
    }

    private func next() {
        places = places.dropFirst()
        patience = Patience((places.first?.route ?? routes.main).registry.options)
        sendsWrongParts = false
    }

    private func request(_ place: RegistryPlace) -> RegistryRequest {
        RegistryRequest(
            method: .GET, path: place.registry.blobPath(blob.digest, place.repository), repository: place.repository,
            scope: .pull(place.repository), action: "get the blob \(blob.digest)", expects: [404, 416])
    }

    /// - Returns: nil if there is nothing more to come from here.
    private func open(_ place: RegistryPlace) throws -> HTTPAnswer? {
        var request = request(place)
        if position > 0, !sendsWrongParts { request.headers.add(name: "range", value: "bytes=\(position)-") }
        let answer = try place.registry.session.send(request) { $0 }
        switch answer.status {
        case 404:
            guard places.count > 1 else {
                throw TransferError.notFound("\(place.registry.host)/\(place.repository) has no blob \(blob.digest)")
            }
            next()
            return nil
        case 416:
            guard position > 0 else { throw place.registry.session.error(request, answer) }
            isEnded = true
            return nil
        case 206:
            // No header: what was asked for.
            let first = answer.headers.partStart ?? position
            guard first >= 0, first <= position else {
                guard !sendsWrongParts else {
                    throw place.registry.session.error(
                        request, status: 206, problem: "it sends another part than was asked for")
                }
                sendsWrongParts = true
                return nil
            }
            try skip(position - first, of: answer)
            return answer
        default:
            try skip(position, of: answer)
            return answer
        }
    }

    /// The registry does not send just the part that is missing: what is known already comes again.
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
