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
    var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

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
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
