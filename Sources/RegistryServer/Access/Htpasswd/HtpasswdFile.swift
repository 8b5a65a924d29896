import ImageModel

/// What a password file says: `USER:HASH` a line, empty lines and those that begin with `#` aside.
///
/// The last line of a user counts. Only bcrypt counts: entries of MD5, SHA or plain text never match, as in the
/// original. Source: distribution, registry/auth/htpasswd; Apache's htpasswd(1).
package struct HtpasswdFile: Sendable {
    /// Bytes.
    package static let sizeLimit = 1 << 20
    package static let userLimit = 10_000

    private var hashes: [[UInt8]: BcryptHash] = [:]
    /// What is wrong with some lines, for the log: number and fault, nothing of what they hold.
    package private(set) var problems: [String] = []
    /// For users that are not there: as much work as most users' passwords. The dearest user's would let strangers
    /// keep the registry busy for seconds with each of their guesses.
    private let dummy: BcryptHash

    /// - Throws: `ImageError.limit`.
    package init(_ bytes: [UInt8]) throws {
        guard bytes.count <= Self.sizeLimit else {
            throw ImageError.limit("a password file may have \(Self.sizeLimit) bytes, not \(bytes.count)")
        }
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let line = line.trimmed
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                problems.append("line \(number) is not USER:HASH")
                continue
            }
            let user = Array(line[..<colon])
            let hash = BcryptHash(line[(colon + 1)...])
            if hash == nil {
                problems.append("line \(number) has no bcrypt hash, so its user cannot log in; htpasswd -B makes one")
            }
            hashes[user] = hash
            guard hashes.count <= Self.userLimit else {
                throw ImageError.limit("a password file may have \(Self.userLimit) users, this one has more")
            }
        }
        let costs = hashes.values.reduce(into: [:]) { $0[$1.cost, default: 0] += 1 }
        let most = costs.max { ($0.value, $0.key) < ($1.value, $1.key) }
        dummy = .dummy(cost: most?.key ?? BcryptHash.usualCost)
    }

    /// - Returns: the user's hash, or another that costs as much to check as most and that nobody has.
    package func hash(of user: [UInt8]) -> (hash: BcryptHash, isKnown: Bool) {
        hashes[user].map { ($0, true) } ?? (dummy, false)
    }
}

extension ArraySlice<UInt8> {
    /// Without the white space at both ends.
    fileprivate var trimmed: Self {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
        let start = drop(while: isSpace)
        return start[..<((start.lastIndex { !isSpace($0) }.map { $0 + 1 }) ?? start.startIndex)]
    }
}
