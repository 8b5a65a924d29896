import Hummingbird
import ImageModel

/// A line for each request, in Apache's combined format, as the original's.
struct AccessLog: Sendable {
    let writer: LogWriter

    /// - Parameter user: nil if nobody logged in.
    func write(_ request: Request, from client: ClientAddress, user: String?, status: Int, size: Int) {
        let time = Timestamp.format(Timestamp.now, "%d/%b/%Y:%H:%M:%S +0000")
        let target = PrintableURL.hidingSecrets(
            in: "\(request.method.rawValue) \(request.head.path ?? "/") HTTP/1.1")
        let referer = PrintableURL.hidingSecrets(in: request.headers[.referer] ?? "")
        // A space would end the field.
        let name = user.flatMap { $0.isEmpty ? nil : LogText.escaped($0).replacing(" ", with: "\\x20") } ?? "-"
        writer.write(
            "\(LogText.escaped(client.host)) - \(name) [\(time)] \"\(LogText.escaped(target))\" \(status) \(size) "
                + "\"\(LogText.escaped(referer))\" "
                + "\"\(LogText.escaped(request.headers[.userAgent] ?? ""))\""
        )
    }
}

/// Text of clients in a log: quotes, control characters, and marks that turn text around are written out.
enum LogText {
    /// What can stand between quotes in one line.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 32 || $0 == 34 || $0 == 92 || $0 > 126 }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\\(scalar)"
            case "\n": escaped += "\\n"
            case _ where scalar.isTerminalControl && scalar.value < 256: escaped += "\\x" + hex(scalar.value, digits: 2)
            case _ where scalar.isTerminalControl: escaped += units(scalar)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// The same document, with what a terminal would obey in JSON's own spelling.
    static func escaped(json: String) -> String {
        guard json.utf8.contains(where: { $0 > 126 }) else { return json }
        return json.unicodeScalars.reduce(into: "") {
            if $1.isTerminalControl { $0 += units($1) } else { $0.unicodeScalars.append($1) }
        }
    }

    private static func units(_ scalar: Unicode.Scalar) -> String {
        UTF16.encode(scalar)?.map { "\\u" + hex(UInt32($0), digits: 4) }.joined() ?? ""
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
