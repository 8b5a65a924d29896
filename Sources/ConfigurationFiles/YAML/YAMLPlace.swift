/// Where something was read: in a file, or in an environment variable.
package struct YAMLPlace: Hashable, Sendable, CustomStringConvertible {
    package enum Origin: Hashable, Sendable, CustomStringConvertible {
        case file(String)
        case variable(String)

        package var description: String {
            switch self {
            case .file(let name), .variable(let name): name
            }
        }
    }

    package var origin: Origin
    /// From 1; 0 for the whole.
    package var line: Int
    /// In characters, from 1; 0 for the whole line.
    package var column: Int

    package init(_ origin: Origin, line: Int = 0, column: Int = 0) {
        self.origin = origin
        self.line = line
        self.column = column
    }

    /// `FILE:LINE`, or the variable's name.
    package var description: String {
        guard case .file(let name) = origin, line > 0 else { return origin.description }
        return "\(name):\(line)"
    }

    /// `FILE:LINE:COLUMN`, as far as they are known.
    package var exact: String {
        line == 0 ? origin.description : "\(origin):\(line)" + (column == 0 ? "" : ":\(column)")
    }
}
