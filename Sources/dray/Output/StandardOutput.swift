import ByteStreams
import Glibc
import ImageModel

/// Standard output, for results. Blocks.
final class StandardOutput: ByteSink {
    /// Whoever read our output has enough of it.
    struct Closed: Error {}

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// - Throws: `Closed` when nobody reads any more.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                continue
            }
            let code = errno
            if code == EINTR { continue }
            if code == EPIPE { throw Closed() }
            throw ImageError.io(operation: "write to", path: "standard output", errno: code)
        }
    }
}

/// Blocking work, off the cooperative pool.
enum Blocking {
    static func run<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
        try await Workers.blobs.run(body)
    }
}

/// Text from files that nobody vouches for, made safe for a terminal.
enum Printable {
    /// Without control characters and the secrets of URLs, and in one line.
    static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in PrintableURL.hidingSecrets(in: text).unicodeScalars {
            if !scalar.isTerminalControl {
                line.append(scalar)
            } else if let last = line.last, last != " " {
                line.append(" ")
            }
        }
        return String(line)
    }
}
