import ArgumentParser

/// Options that take one value and were given twice: without a word, the last value would count.
enum RepeatedOptions {
    /// - Parameter arguments: those that the command was made of.
    /// - Throws: `ValidationError` that names the option.
    static func refuse(_ arguments: [String], of command: any ParsableCommand.Type) throws {
        let given = names(in: arguments)
        // Mostly there is nothing to ask ArgumentParser for.
        guard Set(given).count < given.count || given.contains(where: { $0.count == 1 }) else { return }
        for option in try singleValued(command) {
            let count = given.count(where: option.contains)
            guard count > 1, let name = option.max(by: { $0.count < $1.count }) else { continue }
            throw ValidationError(
                "--\(name) is given \(count == 2 ? "twice" : "\(count) times"), and takes one value; give it once")
        }
    }

    /// The names of the options among arguments, without hyphens and values.
    private static func names(in arguments: [String]) -> [String] {
        arguments.prefix { $0 != "--" }.compactMap { argument in
            let name = argument.drop { $0 == "-" }.prefix { $0 != "=" }
            switch argument.count - argument.drop(while: { $0 == "-" }).count {
            case 1 where !name.isEmpty: return String(name.prefix(1))
            case 2 where !name.isEmpty: return String(name)
            default: return nil
            }
        }
    }

    /// All names of each option of a command that takes one value.
    private static func singleValued(_ command: any ParsableCommand.Type) throws -> [[String]] {
        try CommandOptions(command).options.filter { !$0.isFlag && !$0.isRepeating }.map(\.names)
    }
}
