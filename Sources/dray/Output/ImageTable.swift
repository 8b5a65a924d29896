import Glibc
import ImageModel
import ImageTransfer

/// The table that `ls` prints, fitted to the terminal where it goes to one.
struct ImageTable {
    private static let gap = 2
    /// Hexadecimal digits of a shortened digest, as Docker shows them.
    private static let digits = 12

    private var names: [String] = []
    private var platforms: [[Platform]] = []
    private var sizes: [String] = []
    private var dates: [String] = []
    private var digests: [Digest] = []
    private let hasDetails: Bool
    private let shortensDigests: Bool
    /// Columns of the terminal; nil if lines may have any length.
    private let width: Int?

    /// - Parameters:
    ///   - hasDetails: whether there are columns for platforms, size and date.
    ///   - keepsDigests: whether digests are whole on a terminal, too.
    init(hasDetails: Bool, keepsDigests: Bool) {
        let width = StandardOutput.isTerminal ? Terminal.width(of: STDOUT_FILENO) : nil
        self.hasDetails = hasDetails
        shortensDigests = width != nil && !keepsDigests
        self.width = keepsDigests ? nil : width
    }

    mutating func add(_ image: SourceImage, _ summary: ImageSummary?) {
        names.append(Printable.line(image.shortTitle))
        platforms.append(summary?.platforms ?? [])
        sizes.append(summary?.size.map { ByteCount($0).description } ?? "-")
        dates.append(Self.date(summary?.created))
        digests.append(image.descriptor.digest)
    }

    /// The day; `-` for none, and for the year 1 that Go writes for none.
    private static func date(_ created: String?) -> String {
        guard let day = created?.prefix(10), !day.hasPrefix("0001"),
            day.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil
        else { return "-" }
        return String(day)
    }

    var lines: [String] {
        let digests = ["DIGEST"] + digests.map { shortensDigests ? String($0.hex.prefix(Self.digits)) : $0.description }
        var names = ["NAME"] + self.names
        guard hasDetails else {
            return table([shortened(names, beside: [digests]), digests])
        }
        let sizes = ["SIZE"] + self.sizes
        let dates = ["CREATED"] + self.dates
        // From the longest form of the platforms to the shortest that is needed.
        var chosen: [String] = []
        for form in PlatformForm.allCases {
            chosen = ["PLATFORMS"] + platforms.map { Printable.line(form.text(of: $0)) }
            guard let width, Self.width(of: [names, chosen, sizes, dates, digests]) > width else { break }
        }
        names = shortened(names, beside: [chosen, sizes, dates, digests])
        return table([names, chosen, sizes, dates, digests])
    }

    /// Names that fit beside the other columns, as far as eight characters are enough for that.
    private func shortened(_ names: [String], beside others: [[String]]) -> [String] {
        guard let width else { return names }
        let room = max(8, width - Self.width(of: others) - Self.gap)
        return names.map { Self.shortened($0, to: room) }
    }

    /// The begin and the end of a name: the end has the tag.
    private static func shortened(_ name: String, to room: Int) -> String {
        guard name.count > room else { return name }
        let tag = name.lastIndex(of: ":").map { name[$0...].count } ?? 0
        let end = min(room - 2, max(tag, (room - 1) * 2 / 3))
        return "\(name.prefix(room - 1 - end))…\(name.suffix(end))"
    }

    private static func width(of columns: [[String]]) -> Int {
        columns.reduce(-gap) { $0 + gap + ($1.lazy.map(\.count).max() ?? 0) }
    }

    private func table(_ columns: [[String]]) -> [String] {
        var table = TextTable()
        for row in 0...names.count { table.add(columns.map { $0[row] }) }
        return table.lines()
    }
}

/// How much is said of an image's platforms.
private enum PlatformForm: CaseIterable {
    case full
    /// Without `linux/`.
    case brief
    /// The first, and how many others there are.
    case first

    func text(of platforms: [Platform]) -> String {
        guard let first = platforms.first else { return "-" }
        switch self {
        case .full: return platforms.map(\.description).joined(separator: ",")
        case .brief: return platforms.map(Self.brief).joined(separator: ",")
        case .first: return Self.brief(first) + (platforms.count > 1 ? " +\(platforms.count - 1)" : "")
        }
    }

    private static func brief(_ platform: Platform) -> String {
        platform.description.hasPrefix("linux/") ? String(platform.description.dropFirst(6)) : platform.description
    }
}
