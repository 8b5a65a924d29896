import ImageModel
import Logging

/// Lines in the original's formats: `text` is logfmt, `json` an object a line, `logstash` the same with that one's names.
struct ServerLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let formatter: ServerConfiguration.Log.Formatter
    private let fields: [(String, String)]
    private let writer: LogWriter

    init(_ configuration: ServerConfiguration.Log, writer: LogWriter) {
        formatter = configuration.formatter
        fields = configuration.fields.sorted { $0.key < $1.key }.map { ($0.key, PrintableURL.value($0.value)) }
        self.writer = writer
        logLevel =
            configuration.level == .warn ? .warning : Logger.Level(rawValue: configuration.level.rawValue) ?? .info
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = Timestamp.rfc3339(Timestamp.now)
        let level = event.level == .warning ? "warning" : event.level.rawValue
        var all = fields
        for (key, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key }) {
            all.append((key, PrintableURL.hidingSecrets(in: "\(value)")))
        }
        let text = PrintableURL.hidingSecrets(in: "\(event.message)")
        switch formatter {
        case .text:
            let rest = all.map { " \($0.0)=\(Self.value($0.1))" }.joined()
            writer.write("time=\"\(time)\" level=\(level) msg=\(Self.quoted(text))\(rest)")
        case .json, .logstash:
            let names =
                formatter == .json ? ("time", "level", "msg") : ("@timestamp", "level", "message")
            var object = Dictionary(all, uniquingKeysWith: { $1 })
            object[names.0] = time
            object[names.1] = level
            object[names.2] = text
            if formatter == .logstash { object["@version"] = "1" }
            if let json = try? Document.encode(object) {
                writer.write(LogText.escaped(json: String(decoding: json, as: UTF8.self)))
            }
        }
    }

    private static func value(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 34 && $0 != 61 && $0 != 92 }
        return isPlain ? text : quoted(text)
    }

    private static func quoted(_ text: String) -> String { "\"\(LogText.escaped(text))\"" }
}
