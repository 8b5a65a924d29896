/// A parser of bytes that come from outside, and what it promises.
///
/// `Tests/fuzz` looks for bytes that break a promise, end the process, take a second or much memory; what it finds goes
/// into `Tests/Fuzzing/Corpus/NAME`, whose files every run of the tests parses. To refuse is always fine.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    package let name: String
    private let body: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ body: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.body = body
    }

    /// Of a text, of which bytes that are not UTF-8 are no part.
    static func text(_ name: String, _ body: @escaping @Sendable (String) throws -> Void) -> FuzzTarget {
        FuzzTarget(name) { try body(String(decoding: $0, as: UTF8.self)) }
    }

    /// Of several texts, a line each; the bytes are cut at `\n` alone.
    static func lines(_ name: String, _ body: @escaping @Sendable ([String]) throws -> Void) -> FuzzTarget {
        FuzzTarget(name) { bytes in
            try body(
                bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
                    String(decoding: $0, as: UTF8.self)
                })
        }
    }

    package var description: String { name }

    package static let all = names + documents + layouts + streams + configuration + client + server

    /// - Throws: `BrokenPromise`.
    package func run(_ bytes: [UInt8]) throws(BrokenPromise) {
        do {
            try body(bytes)
        } catch let error as BrokenPromise {
            throw error
        } catch {
            // Messages are made of what was read, too.
            _ = "\(error)"
        }
    }
}

/// What a parser got wrong without noticing.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String
}

func promise(_ what: String, _ holds: Bool) throws {
    guard holds else { throw BrokenPromise(description: what) }
}

/// What must not be refused.
func promised<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw BrokenPromise(description: "\(what): \(error)")
    }
}
