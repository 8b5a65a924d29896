import ImageModel
import Testing

/// Checks that `body` throws an error whose description has the words, and none of the secrets of `ScriptedBucket`.
func expectError(
    _ code: ImageError.Code? = nil, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    await #expect(sourceLocation: sourceLocation) {
        try await body()
    } throws: { error in
        guard let found = error as? ImageError else { return false }
        return (code == nil || found.code == code) && words.allSatisfy { "\(error)".contains($0) }
            && !"\(error)".contains("of-the-test")
    }
}
