import ArgumentParser
import ByteStreams
import ConfigurationFiles

/// From arguments to an exit status: understands them, runs the command, says what went wrong.
enum Launcher {
    /// Everything asynchronous happens below this call, away from the main thread.
    @concurrent
    static func run(_ arguments: [String]) async -> ExitStatus {
        let command: any DrayCommand
        do {
            var parsed = try Dray.parseAsRoot(arguments)
            guard let own = parsed as? any DrayCommand else {
                // ArgumentParser's own: it throws the help that was asked for.
                try parsed.run()
                return .done
            }
            command = own
        } catch {
            return await answer(error)
        }
        let console = Console(command.shared)
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
        } catch let error as ConfigurationError {
            for mistake in error.mistakes { console.error(Printable.line(mistake)) }
            return ExitStatus(for: error)
        } catch {
            console.error(Printable.line("\(error)"))
            return ExitStatus(for: error)
        }
    }

    /// Help and version, or what is wrong with the arguments.
    private static func answer(_ error: any Error) async -> ExitStatus {
        let text = Dray.fullMessage(for: error)
        guard Dray.exitCode(for: error) != .success else {
            try? await Blocking.run { try StandardOutput().write(Array((text + "\n").utf8)) }
            return .done
        }
        let status = StatusLine()
        // ArgumentParser knows which command's help is meant, and tells it only in here.
        let help = text.split(separator: "\n").last { $0.contains("--help'") }
        let advice = help.map { $0.drop { $0 == " " } } ?? "See 'dray --help' for more information."
        status.print("dray: error: \(Printable.line(Dray.message(for: error)))\n\(advice)")
        return .usage
    }
}
