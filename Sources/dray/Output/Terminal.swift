import ByteStreams
import Glibc
import ImageModel

/// The user's terminal, asked even where standard input is something else.
struct Terminal {
    private let descriptor: Int32

    init() throws {
        descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ImageError.refused(
                "there is no terminal to ask for a password: use --username with --password-stdin, or --creds")
        }
    }

    /// Columns of the terminal that a descriptor leads to; 80 if it does not tell.
    static func width(of descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// - Parameter hidden: what is typed is not shown.
    func ask(_ question: String, hidden: Bool) throws -> String {
        var before = termios()
        tcgetattr(descriptor, &before)
        if hidden {
            var silent = before
            silent.c_lflag &= ~tcflag_t(ECHO)
            // Whoever interrupts here gets the terminal back as it was.
            Interruption.whenStopped { [descriptor, before] in Self.restore(descriptor, before) }
            tcsetattr(descriptor, TCSAFLUSH, &silent)
        }
        defer {
            if hidden {
                Self.restore(descriptor, before)
                Interruption.whenStopped(nil)
            }
        }
        _ = question.withCString { write(descriptor, $0, strlen($0)) }
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != 10 { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    private static func restore(_ descriptor: Int32, _ before: termios) {
        var before = before
        tcsetattr(descriptor, TCSAFLUSH, &before)
        _ = write(descriptor, "\n", 1)
    }
}
