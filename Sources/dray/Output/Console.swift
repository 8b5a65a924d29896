import ByteStreams
import ImageModel
import ImageTransfer

/// Where a command's words go: results to standard output, everything else to standard error.
struct Console: Sendable {
    let format: OutputFormat
    let progressStyle: ProgressStyle
    let isVerbose: Bool
    let isQuiet: Bool
    let status = StatusLine()

    init(_ options: SharedOptions) {
        format = options.output
        progressStyle = options.progress
        isVerbose = options.isVerbose
        isQuiet = options.quiet
    }

    // MARK: Results

    /// Lines of text, or one JSON document, as the user wants it.
    ///
    /// - Parameter toStandardError: where standard output carries an archive.
    func report(
        _ json: @autoclosure () -> some Encodable & Sendable, text lines: @autoclosure () -> [String],
        toStandardError: Bool = false
    ) async throws {
        var text: [UInt8] = []
        switch format {
        case .json: text = try Document.encode(json(), pretty: true) + [UInt8(ascii: "\n")]
        case .text: for line in lines() { text += (line + "\n").utf8 }
        }
        if toStandardError {
            if !text.isEmpty { status.print(String(decoding: text.dropLast(), as: UTF8.self)) }
        } else {
            try await write(text)
        }
    }

    /// Exactly these bytes.
    func write(_ bytes: [UInt8]) async throws {
        try await Blocking.run { try StandardOutput().write(bytes) }
    }

    /// Exactly what `body` writes, as it comes.
    func write(_ body: @Sendable @escaping (any ByteSink) throws -> Void) async throws {
        try await Blocking.run { try body(StandardOutput()) }
    }

    // MARK: Everything else

    /// One line of JSON.
    func line(_ value: some Encodable) {
        if let bytes = try? Document.encode(value) { status.print(String(decoding: bytes, as: UTF8.self)) }
    }

    func error(_ text: String) {
        status.print("dray: \(status.isColored ? "\u{1B}[1;31merror:\u{1B}[0m" : "error:") \(text)")
    }

    /// What the user should know and may not expect.
    func note(_ text: String) {
        if !isQuiet { status.print("dray: note: \(text)") }
    }

    /// What is wrong with a source, or is passed over.
    func note(_ listing: SourceListing) {
        for text in listing.remarks { note(Printable.line(text)) }
        for text in listing.notes { note(Printable.line("\(text): it is left out")) }
        for broken in listing.broken { note(Printable.line("\(broken.title) is broken: \(broken.error)")) }
    }

    /// What helps to understand what dray does.
    func detail(_ text: String) {
        if isVerbose { status.print("dray: \(text)") }
    }
}
