import Glibc

/// The system's words for an error number.
package func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}

/// Calls again what a signal interrupted.
///
/// - Throws: `StreamError.io` if the result is negative.
@discardableResult
package func systemCall<T: SignedInteger>(
    _ operation: String, _ path: String, _ body: () -> T
) throws(StreamError) -> T {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw .io(operation: operation, path: path, errno: code) }
    }
}
