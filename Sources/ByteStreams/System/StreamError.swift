import Glibc

/// What can be wrong with bytes in motion.
///
/// `damaged` covers everything that was read but is not what it claims to be (truncation, a wrong digest
/// or size, a broken gzip stream): the command answers it with exit code 3. `io` is the operating system's
/// refusal, with the path it was about.
package enum StreamError: Error, Equatable, CustomStringConvertible {
    case damaged(String)
    case limit(String)
    case io(operation: String, path: String, errno: Int32)

    package var description: String {
        switch self {
        case .damaged(let what), .limit(let what): what
        case .io("lock", let path, EWOULDBLOCK): "\(path) is locked by another process; try again when that has ended"
        case .io(let operation, let path, let code):
            "cannot \(operation) \(path): \(systemMessage(code))"
                + (WriteObstacle.text(operation, path, code).map { "; \($0)" } ?? "")
        }
    }
}
