import ByteStreams
import ImageModel

extension PathHints {
    /// Refuses a path that is not there and cannot be meant as it stands.
    ///
    /// - Throws: `ImageError`.
    static func checkNew(_ path: String) throws { try check(path) { (try? fileKind($0)) ?? nil != nil } }
}
