import ArgumentParser
import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer

/// Whose signature what is read has to carry.
struct VerificationArguments: ParsableArguments {
    @Option(
        name: .customLong("verify-key"),
        help: ArgumentHelp(
            "Read only what carries a signature ('dray copy --sign') by this public key of minisign.", valueName: "file"
        ))
    var verificationKey: String?

    /// - Returns: the ID of the key that the source is signed with; nil if nothing was asked for.
    /// - Throws: `ImageError` unless the source is signed so, or nothing was asked for.
    @discardableResult
    func check(_ source: any ImageSource) async throws -> String? {
        guard let path = verificationKey else { return nil }
        guard let bytes = try TextFile.read(path, limit: 64 << 10) else {
            throw ImageError.notFound("there is no key \(path)")
        }
        let key = try VerificationKey(bytes, name: path)
        guard let archive = source as? OCISource else {
            throw ImageError.damaged("\(source.title) is not signed: only an oci-archive: can be")
        }
        try await archive.checkSignature(by: key)
        return key.title
    }
}
