import ImageModel

/// The content of a link, which says where the bytes of a digest lie. Source: distribution,
/// registry/storage/linkedblobstore.go.
enum LinkFile: Hashable, Sendable {
    /// Bytes of a link that are read.
    static let sizeLimit = 4096

    case digest(Digest)
    /// - Parameters:
    ///   - what: reads on from "the link ".
    ///   - meant: the digest without the white space around it; nil if there is none.
    case broken(_ what: String, meant: Digest?)

    /// Who reads a link.
    enum Reader {
        /// A registry: docker-registry accepts nothing but a digest.
        case registry
        /// The garbage collection, which keeps what somebody may have meant: white space does not count.
        case collector
    }

    init(_ bytes: some Collection<UInt8>, for reader: Reader = .registry) {
        let text = String(decoding: bytes, as: UTF8.self)
        // Without looking at its characters, as long as that is enough.
        if let digest = Digest(text) {
            self = .digest(digest)
            return
        }
        let meant = Digest(text.filter { !$0.isWhitespace })
        if let meant, reader == .collector {
            self = .digest(meant)
        } else {
            self = .broken(
                bytes.isEmpty ? "is empty" : meant == nil ? "holds no digest" : "holds more than a digest",
                meant: meant)
        }
    }

    /// nil for a link that is broken.
    var target: Digest? { if case .digest(let digest) = self { digest } else { nil } }
}
