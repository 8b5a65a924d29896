import CCrypt
import Glibc

/// A password's bcrypt hash: `$2y$COST$` and 53 characters, of which 22 are the salt.
///
/// Checked and made by the system's libcrypt (crypt(5)). That computes for 50 to 100 ms at the usual cost of 10, and
/// twice as long with each further step of the cost, so it is a worker's task.
package struct BcryptHash: Hashable, Sendable {
    /// Twice the work with each step; the highest here is some seconds for each login.
    static let costs = 4...17
    static let usualCost = 10
    private static let hashLength = 31

    /// 60 ASCII characters.
    let text: [UInt8]
    package let cost: Int

    /// - Returns: nil unless it is `$2a$`, `$2b$` or `$2y$` and whole. `$2x$` is what a broken program made.
    package init?(_ text: some Collection<UInt8>) {
        let text = Array(text)
        guard text.count == 60, text[0] == dollar, text[1] == UInt8(ascii: "2"), text[3] == dollar, text[6] == dollar,
            "aby".utf8.contains(text[2]), text[4...5].allSatisfy({ (48...57).contains($0) }),
            let cost = Int(String(decoding: text[4...5], as: UTF8.self)), Self.costs.contains(cost),
            text[7...].allSatisfy({ Self.alphabet.contains($0) })
        else { return nil }
        self.text = text
        self.cost = cost
    }

    /// A hash of no password that anybody has: checking it takes as long as checking a real one.
    static func dummy(cost: Int) -> BcryptHash {
        let start = "$2y$\(cost < 10 ? "0" : "")\(cost)$"
        guard let hash = BcryptHash((start + String(repeating: ".", count: 53)).utf8) else {
            preconditionFailure("\(cost) is no cost of bcrypt")
        }
        return hash
    }

    /// Makes the hash of a password with a new salt.
    ///
    /// - Returns: nil if libcrypt refuses, as it does for a password of 512 bytes.
    static func make(of password: [UInt8], cost: Int = usualCost) -> BcryptHash? {
        let salt = (0..<16).map { _ in CChar(bitPattern: UInt8.random(in: 0...255)) }
        var setting = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        guard crypt_gensalt_rn("$2y$", UInt(cost), salt, Int32(salt.count), &setting, Int32(setting.count)) != nil
        else { return nil }
        return compute(password, setting: setting).flatMap { BcryptHash($0) }
    }

    /// Whether it is this password's. Computes for long.
    package func matches(_ password: [UInt8]) -> Bool {
        // A C string ends at the first zero: what follows would not count.
        guard !password.contains(0),
            let computed = Self.compute(password, setting: text.map { CChar(bitPattern: $0) } + [0]),
            computed.count == text.count
        else { return false }
        // The salt's last character has spare bits that libcrypt clears and others keep: the hash is what counts.
        var difference: UInt8 = 0
        for (a, b) in zip(text.suffix(Self.hashLength), computed.suffix(Self.hashLength)) { difference |= a ^ b }
        return difference == 0
    }

    private static let alphabet = Set("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    /// - Parameter setting: ends with a zero.
    private static func compute(_ password: [UInt8], setting: [CChar]) -> [UInt8]? {
        let size = MemoryLayout<crypt_data>.size
        let data = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: MemoryLayout<crypt_data>.alignment)
        data.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        var phrase = password.map { CChar(bitPattern: $0) } + [0]
        defer {
            explicit_bzero(data, size)
            explicit_bzero(&phrase, phrase.count)
            data.deallocate()
        }
        guard let text = crypt_rn(phrase, setting, data, Int32(size)) else { return nil }
        return (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) }
    }
}

private let dollar = UInt8(ascii: "$")
