import ByteStreams
import ImageModel
import ImageTransfer
import TarArchive

/// What a file really is that is no tar, by its first bytes.
package struct ForeignFile {
    /// A noun phrase.
    let kind: String
    /// The next step; `FILE` stands for the file.
    let advice: String

    /// What helps where the file is none of an image.
    package static let saveAnew = "save the image with: docker save -o FILE IMAGE"
    /// What helps where a server sent something else.
    static let fetchAnew = "fetch it again, and check the status of the answer: curl --fail"

    init(kind: String, advice: String) { (self.kind, self.advice) = (kind, advice) }

    /// - Returns: nil for bytes that tell nothing.
    init?(_ data: NotATarError) {
        let start = data.start
        let inner = CompressionFormat.sniff(start)
        if start.isEmpty {
            self.init(kind: "an empty file", advice: Self.fetchAnew)
        } else if inner != .none, let outer = data.compression.program {
            self.init(
                kind: "\(inner.rawValue) data",
                advice:
                    "it is compressed twice; undo the outer compression: \(outer) -dc FILE > image.tar.\(inner.rawValue)"
            )
        } else if let signature = FileSignature.all.first(where: { $0.matches(start) }) {
            self.init(kind: signature.kind, advice: signature.advice)
        } else if start.allSatisfy({ $0 == 0 }) {
            self.init(kind: "zeros alone, as in an empty tar or an unfinished download", advice: Self.fetchAnew)
        } else if let text = ForeignText(start, isWhole: data.isWhole) {
            self = text.content
        } else {
            return nil
        }
    }
}

extension CompressionFormat {
    /// The program that packs so; nil for what is not packed.
    fileprivate var program: String? { self == .none ? nil : rawValue }
}

extension NotATarError {
    /// The error for what it really is.
    ///
    /// - Parameter path: `-` for standard input.
    func explained(path: String) -> ImageError {
        let packing = compression == .none ? "" : ", compressed with \(compression.rawValue)"
        guard let file = ForeignFile(self) else {
            return .damaged(
                "\(name): not an image archive (unrecognised binary data\(packing)); expected a tar, plain or compressed "
                    + "with gzip, zstd, xz or bzip2")
        }
        let advice = file.advice.replacing("FILE", with: shellWord(path))
        return .foreign(ForeignContent(name, kind: file.kind + packing, advice: advice))
    }
}
