import ImageModel

/// How far a copy is at one moment, and how that is said.
struct ProgressState {
    /// Bytes.
    var moved: Int64
    /// Bytes, as far as that is known; 0 while it is not.
    var planned: Int64
    /// Bytes a second: lately while it runs, on average at the end.
    var rate: Double
    var seconds: Double
    var imagesDone = 0
    /// As far as planned; 0 for work that is not about images.
    var images = 0

    /// `5 of 12 images`; empty for a single image, or where nothing is planned.
    var imageText: String { images > 1 ? "\(imagesDone) of \(images) images" : "" }

    private var isMeasurable: Bool { planned > 0 && moved <= planned }

    /// Whether there is nothing to say.
    var isIdle: Bool { moved == 0 && images < 2 }

    /// Bytes, rate, time left.
    var text: String {
        var text = (imageText.isEmpty ? "" : "\(imageText)  ") + "\(ByteCount(moved))"
        if isMeasurable { text += " of \(ByteCount(planned))" }
        if rate >= 1 { text += "  \(ByteCount(Int64(rate)))/s" }
        if isMeasurable, moved < planned, rate >= 1 {
            text += "  \(TimeSpan(Double(planned - moved) / rate)) left"
        }
        return text
    }

    /// What is said when all is over.
    var summary: String {
        var text = (imageText.isEmpty ? "" : "\(imageText), ") + "\(ByteCount(moved)) in \(TimeSpan(seconds))"
        if rate >= 1 { text += ", \(ByteCount(Int64(rate)))/s" }
        return text
    }

    /// A bar and the text, in one line of a terminal that is `width` wide.
    func line(width: Int) -> String {
        let room = min(40, width - text.count - 10)
        guard isMeasurable, room >= 8 else { return String(text.prefix(max(0, width - 1))) }
        let percent = Int(moved * 100 / planned)
        let filled = Int(Double(room) * Double(moved) / Double(planned))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
        return "[\(bar)] \(percent < 10 ? "  " : percent < 100 ? " " : "")\(percent) %  \(text)"
    }
}
