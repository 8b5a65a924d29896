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
    var error: String?

    /// `repository:tag`, or `repository@digest`.
    var name: String { (repository ?? "") + (tag.map { ":\($0)" } ?? "@\(digest)") }
}

extension Command {
    func rows() throws -> [Row] { try JSONDecoder().decode([Row].self, from: output) }
}
