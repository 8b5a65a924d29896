import ByteStreams
import DrayKit
import ImageModel
import ImageSync
import ImageTransfer

/// The sources that a command line names, and why some of them are none.
struct NamedSources {
    private(set) var references: [ImageReference] = []
    private(set) var failures: [CopyReport.Failure] = []
    private let inflation: InflationLimit

    init(inflation: InflationLimit = .standard) { self.inflation = inflation }

    /// - Throws: `ReferenceError`. A path that holds no images is among the failures.
    mutating func add(_ text: String) throws {
        try note(text, Result { references.append(try ImageReference(text, inflation: inflation)) })
    }

    /// Adds the images of a list.
    ///
    /// - Parameter path: `-` for standard input.
    mutating func add(list path: String) throws {
        let list = try ImageList.read(path: path) { try ImageReference($0, inflation: inflation) }
        references += list.lines.map(\.reference)
        failures += list.unreadable.map { CopyReport.Failure(source: $0.text, error: $0.error) }
    }

    /// Puts the archives of directories in place of these.
    ///
    /// - Returns: the files that are none, each with what it is.
    mutating func expand() throws -> [(file: String, kind: String)] {
        var leftOut: [(file: String, kind: String)] = []
        let named = references
        references = []
        for reference in named {
            let expanded = Result { try reference.expanded(inflation: inflation) }
            if case .success(let (found, others)) = expanded {
                references += found
                leftOut += others
            }
            try note(reference.description, expanded)
        }
        return leftOut
    }

    private mutating func note<T>(_ source: String, _ result: Result<T, any Error>) throws {
        guard case .failure(let error) = result else { return }
        if error is ReferenceError { throw error }
        failures.append(CopyReport.Failure(source: source, error: error))
    }
}
