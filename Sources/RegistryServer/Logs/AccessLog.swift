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
