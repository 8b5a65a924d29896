/// The sources that a command line names, and why some of them are none.
package struct NamedSources {
    package private(set) var references: [ImageReference] = []
    package private(set) var failures: [CopyReport.Failure] = []
    private let reader: ReferenceReader

    package init(_ reader: ReferenceReader) { self.reader = reader }

    /// - Throws: `ImageError`. A path that holds no images is among the failures.
    package mutating func add(_ text: String) throws {
        try note(text, Result { references.append(try reader.read(text)) })
    }

    /// Adds the images of a list.
    ///
    /// - Parameter path: `-` for standard input.
    package mutating func add(list path: String) throws {
        let list = try ImageList.read(path: path) { try reader.read($0) }
        references += list.lines.map(\.reference)
        failures += list.unreadable.map { CopyReport.Failure(source: $0.text, error: $0.error) }
    }

    /// Puts the archives of directories in place of these.
    ///
    /// - Returns: the files that are none, each with what it is.
    package mutating func expand() throws -> [(file: String, kind: String)] {
        var leftOut: [(file: String, kind: String)] = []
        let named = references
        references = []
        for reference in named {
            let expanded = Result { try reader.expand(reference) }
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
        if (error as? ImageError)?.code == .usage { throw error }
        failures.append(CopyReport.Failure(source: source, error: error))
    }
}
