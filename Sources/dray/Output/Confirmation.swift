import Glibc
import ImageModel

/// The question before a command removes several images.
struct Confirmation {
    /// What removes them: `--mirror`.
    let cause: String
    let place: ImageReference
    /// `1 image or tag`
    let count: String
    /// One for each image.
    let lines: [String]

    /// Lists what goes, and asks for it on a terminal.
    ///
    /// - Parameter yes: whether the answer was given beforehand.
    /// - Throws: `ImageError.refused` unless the answer is yes.
    func ask(_ console: Console, yes: Bool) throws {
        console.status.print(Printable.line("dray: \(cause) removes \(count) from \(place):"))
        for line in lines { console.status.print(Printable.line("  \(line)")) }
        guard !yes else { return }
        let them = lines.count == 1 ? "it" : "them"
        let refusal = "\(cause) would remove \(count) from \(place); nothing was changed; pass --yes to remove them"
        guard isatty(STDIN_FILENO) == 1, let terminal = try? Terminal() else { throw ImageError.refused(refusal) }
        let answer = try terminal.ask("Remove \(them)? [y/N] ", hidden: false)
        guard ["y", "yes"].contains(answer.lowercased()) else { throw ImageError.refused(refusal) }
    }
}
