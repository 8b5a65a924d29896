import Glibc
package import ImageModel

/// The operating system's refusal: which operation, on which path, with which error number.
///
/// It is the cause of an `ImageError`. Its text is made only when somebody prints it.
struct SystemFailure: Error, CustomStringConvertible {
    let operation: String
    let path: String
    let errno: Int32

    var description: String {
        if operation == "lock", errno == EWOULDBLOCK {
            return "\(path) is locked by another process; try again when that has ended"
        }
        return "cannot \(operation) \(path): \(systemMessage(errno))"
            + (WriteObstacle.text(operation, path, errno).map { "; \($0)" } ?? "")
    }
}

extension ImageError {
    /// - Parameter operation: reads on from "cannot ".
    package static func io(operation: String, path: String, errno: Int32) -> ImageError {
        ImageError(.system(errno), cause: SystemFailure(operation: operation, path: path, errno: errno))
    }
}
