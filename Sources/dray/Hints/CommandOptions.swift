import ArgumentParser
import ImageModel

/// The options of a command, hidden ones among them, as ArgumentParser knows them.
struct CommandOptions {
    struct Option {
        var isFlag: Bool
        var isRepeating: Bool
        /// Without hyphens.
        var names: [String]
    }

    let options: [Option]

    init(_ command: any ParsableCommand.Type) throws {
        let help = try Document.object(from: Array(command._dumpHelp().utf8), name: "help")
        guard case .array(let arguments)? = help["command"]?.object?["arguments"] else {
            options = []
            return
        }
        options = arguments.compactMap(\.object).compactMap { argument in
            guard case .array(let names)? = argument["names"] else { return nil }
            return Option(
                isFlag: argument["kind"]?.string == "flag", isRepeating: argument["isRepeating"] == .bool(true),
                names: names.compactMap { $0.object?["name"]?.string })
        }
    }

    /// Names of more than one letter.
    var longNames: [String] { options.flatMap(\.names).filter { $0.count > 1 } + ["help", "version"] }
    /// Letters that can stand together after one hyphen.
    var letters: Set<String> { Set(options.filter(\.isFlag).flatMap(\.names).filter { $0.count == 1 } + ["h"]) }
}
