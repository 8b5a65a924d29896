/// A pattern, taken apart.
indirect enum PatternTree {
    case one(ByteSet)
    case start
    case end
    case sequence([PatternTree])
    case choice([PatternTree])
    /// `most` is nil where there is no limit.
    case repeated(PatternTree, least: Int, most: Int?)
}

/// Reads globs and regular expressions.
struct PatternParser {
    /// Bytes that a pattern may have, and groups inside of each other.
    private static let lengthLimit = 1000
    private static let depthLimit = 50
    /// Of `{n,m}`.
    private static let countLimit = 255

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ text: String) throws(ImageError) {
        bytes = Array(text.utf8)
        guard bytes.count <= Self.lengthLimit else {
            throw ImageError.usage("the pattern has \(bytes.count) bytes, and \(Self.lengthLimit) is the most")
        }
        guard !bytes.isEmpty else { throw ImageError.usage("the pattern is empty") }
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Character) -> Bool {
        guard let next, next == character.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func take() -> UInt8? {
        defer { position += 1 }
        return next
    }

    // MARK: Globs

    mutating func glob() throws(ImageError) -> PatternTree {
        let slash = ByteSet(UInt8(ascii: "/"))
        var parts: [PatternTree] = []
        while let byte = take() {
            switch byte {
            case UInt8(ascii: "*"):
                let isDouble = take("*")
                parts.append(.repeated(.one(isDouble ? .all : slash.inverted), least: 0, most: nil))
            case UInt8(ascii: "?"): parts.append(.one(slash.inverted))
            case UInt8(ascii: "["): parts.append(.one(try set(negation: "!")))
            case UInt8(ascii: "\\"):
                guard let literal = take() else { throw ImageError.usage("nothing follows the '\\' at the end") }
                parts.append(.one(ByteSet(literal)))
            default: parts.append(.one(ByteSet(byte)))
            }
        }
        return .sequence(parts)
    }

    // MARK: Regular expressions

    mutating func expression() throws(ImageError) -> PatternTree {
        let tree = try choice()
        guard next == nil else { throw ImageError.usage("a ')' closes nothing") }
        return tree
    }

    private mutating func choice() throws(ImageError) -> PatternTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw ImageError.usage("groups are nested deeper than \(Self.depthLimit) levels")
        }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() throws(ImageError) -> PatternTree {
        var parts: [PatternTree] = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            parts.append(try counted(try atom()))
        }
        return .sequence(parts)
    }

    private mutating func atom() throws(ImageError) -> PatternTree {
        let byte = take() ?? 0
        switch byte {
        case UInt8(ascii: "("):
            if take("?"), !take(":") {
                throw ImageError.usage("of groups that begin with '(?', there is '(?:' alone")
            }
            let group = try choice()
            guard take(")") else { throw ImageError.usage("a '(' is not closed") }
            return group
        case UInt8(ascii: "["): return .one(try set(negation: "^"))
        case UInt8(ascii: "."): return .one(.all)
        case UInt8(ascii: "^"): return .start
        case UInt8(ascii: "$"): return .end
        case UInt8(ascii: "\\"): return .one(try escaped())
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw ImageError.usage(
                "there is nothing before the '\(Character(Unicode.Scalar(byte)))' that it could repeat")
        default: return .one(ByteSet(byte))
        }
    }

    private mutating func counted(_ tree: PatternTree) throws(ImageError) -> PatternTree {
        let counted: PatternTree
        if take("*") {
            counted = .repeated(tree, least: 0, most: nil)
        } else if take("+") {
            counted = .repeated(tree, least: 1, most: nil)
        } else if take("?") {
            counted = .repeated(tree, least: 0, most: 1)
        } else if take("{") {
            let least = try count()
            var most: Int? = least
            if take(",") { most = next == UInt8(ascii: "}") ? nil : try count() }
            guard take("}"), most.map({ $0 >= least }) ?? true else { throw Self.badCount }
            counted = .repeated(tree, least: least, most: most)
        } else {
            return tree
        }
        // Short or long makes no difference to whether it fits.
        _ = take("?")
        if let next, "*+?{".utf8.contains(next) {
            throw ImageError.usage("what is repeated is repeated again: use a group")
        }
        return counted
    }

    private static var badCount: ImageError {
        ImageError.usage("'{' has to be followed by n}, n,} or n,m} with numbers up to \(countLimit)")
    }

    private mutating func count() throws(ImageError) -> Int {
        var count: Int?
        while let byte = next, (48...57).contains(byte) {
            position += 1
            count = (count ?? 0) * 10 + Int(byte - 48)
            guard let count, count <= Self.countLimit else { throw Self.badCount }
        }
        guard let count else { throw Self.badCount }
        return count
    }

    private mutating func escaped() throws(ImageError) -> ByteSet {
        guard let byte = take() else { throw ImageError.usage("nothing follows the '\\' at the end") }
        switch byte {
        case UInt8(ascii: "d"): return .digits
        case UInt8(ascii: "D"): return ByteSet.digits.inverted
        case UInt8(ascii: "w"): return .word
        case UInt8(ascii: "W"): return ByteSet.word.inverted
        case UInt8(ascii: "s"): return .space
        case UInt8(ascii: "S"): return ByteSet.space.inverted
        default:
            guard !ByteSet.word.contains(byte) else {
                throw ImageError.usage("'\\\(Character(Unicode.Scalar(byte)))' is not understood here")
            }
            return ByteSet(byte)
        }
    }

    /// What follows a `[`.
    private mutating func set(negation: Character) throws(ImageError) -> ByteSet {
        let isInverted = take(negation)
        var set = ByteSet()
        var isFirst = true
        while let byte = take() {
            if byte == UInt8(ascii: "]"), !isFirst { return isInverted ? set.inverted : set }
            isFirst = false
            guard byte != UInt8(ascii: "\\") else {
                set.formUnion(try escaped())
                continue
            }
            var last = byte
            if next == UInt8(ascii: "-"), position + 1 < bytes.count, bytes[position + 1] != UInt8(ascii: "]") {
                position += 1
                last = take() ?? byte
            }
            guard byte <= last else { throw ImageError.usage("a range in '[...]' ends before it begins") }
            for member in byte...last { set.insert(member) }
        }
        throw ImageError.usage("a '[' is not closed")
    }
}

/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var low: UInt128 = 0
    private var high: UInt128 = 0

    init() {}

    init(_ byte: UInt8) { insert(byte) }

    static let all = ByteSet().inverted
    static let digits = ByteSet(of: "0123456789")
    static let word = ByteSet(of: "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
    static let space = ByteSet(of: " \t\n\r\u{b}\u{c}")

    private init(of text: String) { for byte in text.utf8 { insert(byte) } }

    mutating func insert(_ byte: UInt8) {
        if byte < 128 { low |= 1 << UInt128(byte) } else { high |= 1 << UInt128(byte - 128) }
    }

    mutating func formUnion(_ other: ByteSet) {
        low |= other.low
        high |= other.high
    }

    func contains(_ byte: UInt8) -> Bool {
        byte < 128 ? low >> UInt128(byte) & 1 == 1 : high >> UInt128(byte - 128) & 1 == 1
    }

    var inverted: ByteSet {
        var set = self
        set.low = ~low
        set.high = ~high
        return set
    }
}
