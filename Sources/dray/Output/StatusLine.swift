import ByteStreams
import Glibc
import Synchronization

/// Standard error: messages, and on a terminal one last line that is redrawn below them.
final class StatusLine: Sendable {
    private let shown = Mutex("")
    let isTerminal: Bool
    let isColored: Bool

    init() {
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        let isPlain = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        isTerminal = isatty(STDERR_FILENO) == 1 && !isDumb
        isColored = isTerminal && !isPlain
    }

    /// Columns of the terminal.
    var width: Int { Terminal.width(of: STDERR_FILENO) }

    /// A message, above the line that is redrawn.
    func print(_ text: String) {
        shown.withLock { shown in Self.write(Self.erasing(shown) + text + "\n" + shown) }
    }

    /// Redraws the last line; an empty text erases it.
    func show(_ text: String) {
        shown.withLock { shown in
            Self.write(Self.erasing(shown) + text)
            shown = text
        }
    }

    private static func erasing(_ shown: String) -> String { shown.isEmpty ? "" : "\r\u{1B}[K" }

    /// Nobody can be told that standard error does not work.
    private static func write(_ text: String) {
        Array(text.utf8).withUnsafeBytes { try? writeAll($0, to: STDERR_FILENO, path: "standard error") }
    }
}
