import Foundation

/// One image, as `--output json` prints it.
struct Row: Decodable, Hashable {
    var repository: String?
    var tag: String?
    var digest: String
    var mediaType: String?
    var previousDigest: String?
    var kept: Bool?
    var bytesMoved: Int64?
    var bytesSkipped: Int64?
    var estimate: String?
    var error: String?

    enum CodingKeys: String, CodingKey {
        case repository, tag, digest, mediaType, previousDigest, kept, bytesMoved, bytesSkipped, estimate, error
    }

    init(from decoder: any Decoder) throws {
        let row = try decoder.container(keyedBy: CodingKeys.self)
        repository = try row.decodeIfPresent(String.self, forKey: .repository)
        tag = try row.decodeIfPresent(String.self, forKey: .tag)
        // Empty where it is not known: of what failed, and of what a dry run cannot tell.
        digest = try row.decodeIfPresent(String.self, forKey: .digest) ?? ""
        mediaType = try row.decodeIfPresent(String.self, forKey: .mediaType)
        previousDigest = try row.decodeIfPresent(String.self, forKey: .previousDigest)
        kept = try row.decodeIfPresent(Bool.self, forKey: .kept)
        bytesMoved = try row.decodeIfPresent(Int64.self, forKey: .bytesMoved)
        bytesSkipped = try row.decodeIfPresent(Int64.self, forKey: .bytesSkipped)
        estimate = try row.decodeIfPresent(String.self, forKey: .estimate)
        error = try row.decodeIfPresent(String.self, forKey: .error)
    }

    /// `repository:tag`, or `repository@digest`.
    var name: String { (repository ?? "") + (tag.map { ":\($0)" } ?? "@\(digest)") }
}

extension Command {
    func rows() throws -> [Row] { try JSONDecoder().decode([Row].self, from: output) }
}
