import ImageModel
import ObjectStorage
import Testing

/// `s3://BUCKET/PREFIX`, alone and in references.
struct BucketNameTests {
    @Test(
        arguments: [
            ("s3://images", "images", "", "s3://images"), ("s3://images/", "images", "", "s3://images"),
            ("s3://images/a/b/", "images", "a/b", "s3://images/a/b"), ("s3://b//a", "b", "a", "s3://b/a"),
        ])
    func isRead(_ text: String, _ bucket: String, _ prefix: String, _ description: String) throws {
        let name = try #require(try BucketName(text))
        #expect(name.bucket == bucket && name.prefix == prefix && name.description == description)
    }

    @Test func othersAreRefused() throws {
        #expect(try BucketName("/srv/registry") == nil)
        for text in ["s3://", "s3:///a", "s3://b/a//c", "s3://b/../c", "s3://b/."] {
            #expect(throws: ImageError.self, "\(text)") { try BucketName(text) }
        }
    }

    private func reference(_ text: String) throws -> ImageReference {
        try ImageReference(text, exists: { _ in false }, recognise: { _ in nil })
    }

    /// The location ends at the first colon after the slashes.
    @Test(
        arguments: [
            ("store:s3://b", "s3://b", nil), ("store:s3://b/", "s3://b", nil), ("store:s3://b/p/q", "s3://b/p/q", nil),
            ("store:s3://b:team/app", "s3://b", "team/app"), ("store:s3://b/p:app:1.0", "s3://b/p", "app:1.0"),
            ("store:s3://b/p/:app", "s3://b/p", "app"),
        ] as [(String, String, String?)])
    func standsInReferences(_ text: String, _ location: String, _ name: String?) throws {
        let found = try reference(text)
        #expect(found.transport == .store && found.isBucket && found.location == location && found.name == name)
        #expect(try reference(found.description) == found)
    }

    @Test func hasDigestsInReferences() throws {
        let digest = Digest(of: Array("x".utf8))
        let found = try reference("store:s3://b/p:app@\(digest)")
        #expect(found.location == "s3://b/p" && found.name == "app" && found.digest == digest)
        #expect(try reference(found.description) == found)
        #expect(try reference("store:s3://b/p@\(digest)").digest == digest)
    }

    @Test(arguments: ["store:s3://", "store:s3:///p", "store:s3://b/p:", "store:s3://b:a@sha256:12", "s3://b/p"])
    func mistakesAreTold(_ text: String) {
        #expect(throws: ImageError.self) { try reference(text) }
    }

    @Test func checksumsAreThoseOfETags() {
        #expect(MD5Checksum(of: []) == MD5Checksum(hex: "d41d8cd98f00b204e9800998ecf8427e"))
        #expect(MD5Checksum(of: Array("abc".utf8)) == MD5Checksum(hex: "900150983CD24FB0D6963F7D28E17F72"))
        #expect(MD5Checksum(of: Array("abc".utf8)) != MD5Checksum(of: []))
        #expect(MD5Checksum(hex: "d41d8cd98f00b204e9800998ecf8427e-2") == nil && MD5Checksum(hex: "") == nil)
    }
}
