import Foundation
import Testing

/// Asks again and again until something is so, for a minute at most.
func eventually(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ isSo: () throws -> Bool
) throws {
    let deadline = Date.now + 60
    while try !isSo() {
        guard Date.now < deadline else {
            Issue.record(what, sourceLocation: sourceLocation)
            return
        }
        usleep(20_000)
    }
}
