import ImageModel
import ImageTransfer
import Testing

/// The image that docker sees of an index.
struct DockerPartTests {
    private static let digests = (0..<20).map { Digest(of: "\($0)".utf8) }

    /// Each index lists the one below many times, and no image is at the end.
    @Test func looksIntoEachIndexOnce() {
        var looks = 0
        let found: String? = DockerPart.image(below: Self.digests[0]) {
            (digest: Digest) -> DockerPart.Content<String>? in
            looks += 1
            let next = (Self.digests.firstIndex(of: digest) ?? 0) + 1
            return next < 7 ? .index(Array(repeating: Self.digests[next], count: 5)) : nil
        }
        #expect(found == nil)
        #expect(looks <= 7)
    }

    /// An index that was reached too deep to be looked through is looked into again from above.
    @Test func findsWhatLiesDeepAndShallow() {
        let found: String? = DockerPart.image(below: Self.digests[0]) {
            (digest: Digest) -> DockerPart.Content<String>? in
            switch Self.digests.firstIndex(of: digest) ?? 0 {
            case 0: .index([Self.digests[1], Self.digests[7]])
            case 8: .image("found")
            case let number: .index([Self.digests[number + 1]])
            }
        }
        #expect(found == "found")
    }
}
