import Hummingbird
import ImageModel

/// A line for each request, in Apache's combined format, as the original's.
struct AccessLog: Sendable {
    let writer: LogWriter

    func write(_ request: Request, from client: String, status: Int, size: Int) {
        let address = request.headers[.forwardedFor]?.split(separator: ",").first.map { $0.filter { $0 != " " } }
        let time = Timestamp.format(Timestamp.now, "%d/%b/%Y:%H:%M:%S +0000")
        let target = "\(request.method.rawValue) \(request.head.path ?? "/") HTTP/1.1"
        writer.write(
            "\(Self.safe(address ?? client)) - - [\(time)] \"\(Self.safe(target))\" \(status) \(size) "
                + "\"\(Self.safe(request.headers[.referer] ?? ""))\" \"\(Self.safe(request.headers[.userAgent] ?? ""))\""
        )
    }

    /// Without what could end the field, or the line.
    private static func safe(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 32 || $0 == 34 || $0 == 92 || $0 == 127 }) else { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": safe += "\\\(scalar)"
            case _ where scalar.value < 32 || scalar.value == 127:
                safe += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
