import ByteStreams
import ImageModel
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
    /// The blob's bytes in it.
    private var content: (any ByteSource)?
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

    /// Waits for the first answer.
    ///
    /// - Returns: bytes of the blob; nil where the registry does not say how many there are.
    /// - Throws: `ImageError.notFound`.
    func begin() throws -> Int64? {
        guard answer == nil, let place = places.first else { return nil }
        try open(place)
        return answer?.status == 206 ? nil : answer?.length
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while !isEnded, let place = places.first {
            do {
                if content == nil { try open(place) }
                guard let answer, let content else { continue }
                let count = try content.read(into: buffer)
                if count > 0 {
                    position += Int64(count)
                    patience.progressed()
                    place.registry.options.rateLimiter?.pass(count)
                    return count
                }
                // Without a length, an end may be a broken connection.
                guard blob.size >= 0, position < blob.size, answer.length == nil,
                    patience.wait(after: "\(place.registry.host): download: the connection was closed")
                else {
                    isEnded = true
                    return 0
                }
                close()
            } catch {
                let broken = answer?.failure(error) ?? error
                close()
                if NetworkFailure.isOne(error),
                    patience.wait(after: "\(place.registry.host): download: \(NetworkFailure.reason(broken))")
                {
                    continue
                }
                let failure =
                    NetworkFailure.isOne(error)
                    ? place.registry.session.failure(request(place), brokenBy: broken).error : error
                guard places.count > 1 else { throw failure }
                routes.passOver(place, failure)
                next()
            }
        }
        return 0
    }

    private func close() {
        answer = nil
        content = nil
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

    /// Requests the remaining bytes; moves on to the next place if this one does not have the blob.
    private func open(_ place: RegistryPlace) throws {
        var request = request(place)
        if position > 0, !sendsWrongParts { request.headers.add(name: "range", value: "bytes=\(position)-") }
        let answer = try place.registry.session.send(request) { $0 }
        switch answer.status {
        case 404:
            guard places.count > 1 else {
                throw ImageError.notFound("\(place.registry.host)/\(place.repository) has no blob \(blob.digest)")
            }
            next()
        case 416:
            guard position > 0 else { throw place.registry.session.failure(request, answer).error }
            isEnded = true
        case 206:
            // Without Content-Range, it is the requested part. A part of an encoded body is not a part of the blob.
            let first = answer.coding == nil ? answer.headers.partStart ?? position : -1
            guard first >= 0, first <= position else {
                guard !sendsWrongParts else {
                    throw place.registry.session.failure(
                        request, status: 206, problem: "it sends another part than was asked for"
                    ).error
                }
                sendsWrongParts = true
                return
            }
            try take(answer, after: position - first)
        default:
            try take(answer, after: position)
        }
    }

    /// - Parameter count: bytes at the start that are known already.
    private func take(_ answer: HTTPAnswer, after count: Int64) throws {
        // Storage may report a layer's own compression as Content-Encoding: then the length is the blob's.
        let isPlain = answer.coding == nil || (blob.size >= 0 && answer.headers.length == blob.size)
        let name = "the blob \(blob.digest)"
        let content: any ByteSource =
            if isPlain {
                answer
            } else if let coding = answer.coding, blob.size < 0 {
                try ContentCoding.decodedDocument(answer, coding, name: name)
            } else {
                try answer.content(name: name)
            }
        // The registry does not send just the part that is missing: what is known already comes again.
        _ = try content.skip(count)
        self.answer = answer
        self.content = content
    }
}
