extension Unicode.Scalar {
    /// Whether a terminal obeys it instead of showing it: what moves the cursor, ends a line, or turns text around.
    package var isTerminalControl: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format: true
        default: false
        }
    }
}
