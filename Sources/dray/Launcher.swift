import ArgumentParser
import ByteStreams
import DrayKit

/// From arguments to an exit status: understands them, runs the command, says what went wrong.
enum Launcher {
    /// Everything asynchronous happens below this call, away from the main thread.
    @concurrent
    static func run(_ arguments: [String]) async -> ExitStatus {
        let arguments = CommandHints.ordered(arguments)
        if let complaint = WordHints.complaint(arguments) {
            let name = arguments.first.flatMap { RootCommand.command(named: $0) == nil ? nil : " \($0)" } ?? ""
            StatusLine().print(
                "dray: error: \(Printable.line(complaint))\nSee 'dray\(name) --help' for more information.")
            return .usage
        }
        if let complaint = CommandHints.complaint(arguments) {
            StatusLine().print("dray: error: \(Printable.line(complaint))\n'dray --help' lists the commands.")
            return .usage
        }
        let command: any DrayCommand
        do {
            var parsed = try RootCommand.parseAsRoot(arguments)
            guard let own = parsed as? any DrayCommand else {
                // ArgumentParser's own: it throws the help that was asked for.
                try parsed.run()
                return .done
            }
            command = own
        } catch {
            return await answer(error, to: arguments)
        }
        let console = Console(command.shared)
        LockWaits.report(to: { console.note(Printable.line($0)) })
        do {
            try RepeatedOptions.refuse(arguments, of: type(of: command))
            return try await command.run(console)
        } catch is StandardOutput.Closed {
            return .done
        } catch let error as ValidationError {
            console.error(
                Printable.line(
                    "\(error.message) ('dray \(type(of: command).configuration.commandName ?? "") --help' tells more)"))
            return .usage
        } catch {
            for line in (error as? ImageError)?.lines ?? ["\(error)"] { console.error(Printable.line(line)) }
            return ExitStatus(for: error)
        }
    }

    /// Help and version, or what is wrong with the arguments.
    private static func answer(_ error: any Error, to arguments: [String]) async -> ExitStatus {
        let text = RootCommand.fullMessage(for: error)
        guard RootCommand.exitCode(for: error) != .success else {
            try? await Blocking.run { try StandardOutput().write(Array((text + "\n").utf8)) }
            return .done
        }
        let status = StatusLine()
        // ArgumentParser knows which command's help is meant, and tells it only in here.
        let help = text.split(separator: "\n").last { $0.contains("--help'") }
        let advice = help.map { $0.drop { $0 == " " } } ?? "See 'dray --help' for more information."
        // ArgumentParser repeats what it does not understand: an argument, or the value in one.
        let values = arguments + arguments.map { String($0.drop { $0 != "=" }.dropFirst()) }
        let words = RootCommand.message(for: error)
        let message =
            OptionHints.advice(for: words, in: arguments)
            ?? values.filter { !$0.isEmpty }.reduce(words) { $0.replacing($1, with: ImageReference.printable($1)) }
        status.print("dray: error: \(Printable.line(message))\n\(advice)")
        return .usage
    }
}
