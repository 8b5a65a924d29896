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
            "\(LogText.escaped(address ?? client)) - - [\(time)] \"\(LogText.escaped(target))\" \(status) \(size) "
                + "\"\(LogText.escaped(request.headers[.referer] ?? ""))\" "
                + "\"\(LogText.escaped(request.headers[.userAgent] ?? ""))\""
        )
    }
}
