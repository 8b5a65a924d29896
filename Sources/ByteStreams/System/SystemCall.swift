import Glibc
package import ImageModel

/// The system's words for an error number.
package func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}

/// Calls again what a signal interrupted.
///
/// - Throws: `ImageError.io` if the result is negative.
@discardableResult
package func systemCall<T: SignedInteger>(
    _ operation: String, _ path: String, _ body: () -> T
) throws(ImageError) -> T {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw .io(operation: operation, path: path, errno: code) }
    }
}

/// Does what needs something to be there.
///
/// - Returns: nil if nothing is there; a link that leads to itself leads nowhere.
package func ifThere<T>(_ body: () throws(ImageError) -> T) throws(ImageError) -> T? {
    do {
        return try body()
    } catch {
        guard [ENOENT, ENOTDIR, ELOOP].contains(error.errno) else { throw error }
        return nil
    }
}

/// Locks what is open, unless somebody else has it.
///
/// - Parameter operation: `LOCK_SH` or `LOCK_EX`.
/// - Returns: whether it is locked now.
package func tryLock(_ descriptor: Int32, _ operation: Int32, _ path: String) throws(ImageError) -> Bool {
    do {
        try systemCall("lock", path) { flock(descriptor, operation | LOCK_NB) }
        return true
    } catch {
        guard error.errno == EWOULDBLOCK else { throw error }
        return false
    }
}

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
