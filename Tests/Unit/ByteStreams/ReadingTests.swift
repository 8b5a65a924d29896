import ByteStreams
import ImageModel
import Testing

struct ReadingTests {
    let bytes = SeededBytes.noise(1000)

    @Test func fillStopsAtTheEnd() throws {
        let source = DribblingSource(bytes, piece: 7)
        var buffer = [UInt8](repeating: 0, count: 600)
        #expect(try buffer.withUnsafeMutableBytes { try source.fill($0) } == 600)
        #expect(buffer == Array(bytes[..<600]))
        #expect(try buffer.withUnsafeMutableBytes { try source.fill($0) } == 400)
        #expect(Array(buffer[..<400]) == Array(bytes[600...]))
        #expect(try buffer.withUnsafeMutableBytes { try source.fill($0) } == 0)
    }

    @Test func readAllKeepsItsLimit() throws {
        #expect(try DribblingSource(bytes, piece: 7).readAll(limit: 1000, name: "it") == bytes)
        #expect(throws: ImageError.limit("it is larger than the limit of 999 bytes")) {
            try BytesSource(bytes).readAll(limit: 999, name: "it")
        }
        #expect(try BytesSource([]).readAll(limit: 0, name: "it") == [])
    }

    @Test func drainCounts() throws {
        #expect(try DribblingSource(bytes, piece: 7).drain() == 1000)
    }

    @Test func peekingTakesNothingAway() throws {
        let source = PeekingSource(DribblingSource(bytes, piece: 7))
        #expect(try source.peek(6) == Array(bytes[..<6]))
        #expect(try source.peek(20) == Array(bytes[..<20]))
        #expect(try source.peek(6) == Array(bytes[..<6]))
        var start = [UInt8](repeating: 0, count: 3)
        #expect(try start.withUnsafeMutableBytes { try source.fill($0) } == 3)
        #expect(try source.peek(30) == Array(bytes[3..<33]))
        #expect(try start + source.collect(piece: 11) == bytes)
        #expect(try source.peek(6) == [])
    }

    @Test func peekingBeyondTheEnd() throws {
        let source = PeekingSource(BytesSource([1, 2]))
        #expect(try source.peek(6) == [1, 2])
        #expect(try source.collect() == [1, 2])
    }

    @Test func workersGiveResultsAndErrors() async throws {
        #expect(Workers.coreCount >= 1)
        #expect(try await Workers.blobs.run { 42 } == 42)
        await #expect(throws: ImageError.limit("x")) { try await Workers.blobs.run { throw ImageError.limit("x") } }
    }
}
