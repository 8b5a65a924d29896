public import ImageModel

/// The platforms of multi-platform images that are wanted.
public enum PlatformChoice: Hashable, Sendable {
    case all
    /// These, which have to be there.
    case only([Platform])
    /// Those that are there whole: of a pull-through cache, or an archive that was saved for one platform.
    case present

    public static let presentWord = "present"

    public static let allWord = "all"

    /// Reads platforms as users write them, also in lists with commas: `OS/ARCH[/VARIANT]`, or `present` or `all` alone;
    /// none is all.
    ///
    /// - Returns: nil for anything else.
    public init?(_ texts: [String]) {
        let words = texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        if words.isEmpty || words == [Self.allWord] {
            self = .all
        } else if words == [Self.presentWord] {
            self = .present
        } else {
            let platforms = words.compactMap { Platform($0) }.filter { !$0.isUnknown }
            guard platforms.count == words.count else { return nil }
            self = .only(platforms)
        }
    }

    /// For messages: `linux/amd64 or linux/arm64`.
    var title: String {
        switch self {
        case .all: "any platform"
        case .only(let platforms): platforms.map(\.description).joined(separator: " or ")
        case .present: "the platforms that are present"
        }
    }
}
