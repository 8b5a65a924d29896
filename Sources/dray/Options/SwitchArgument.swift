import ArgumentParser

/// Yes or no, in any of the words for it.
enum SwitchArgument {
    /// - Throws: `ValidationError` with the form that is understood.
    static func read(_ text: String) throws -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1", "t", "y": return true
        case "false", "no", "off", "0", "f", "n": return false
        default: throw ValidationError("expected true or false")
        }
    }
}
