/// A value of a TOML document.
///
/// Source: https://toml.io/en/v1.0.0
package indirect enum TOMLValue: Hashable, Sendable {
    case string(String)
    case boolean(Bool)
    /// A number, date or time, as it is written.
    case other(String)
    case array([TOMLValue])
    case table([String: TOMLValue])
}

extension TOMLValue {
    /// Nil if it is no table, or has no such name.
    package subscript(_ name: String) -> TOMLValue? {
        if case .table(let members) = self { members[name] } else { nil }
    }
}

/// Where and why a text is no TOML, or not what it should be.
package struct TOMLError: Error, CustomStringConvertible {
    package let line: Int
    /// In Unicode scalars, from 1.
    package let column: Int
    package let reason: String

    package var description: String { "line \(line), column \(column): \(reason)" }
}
