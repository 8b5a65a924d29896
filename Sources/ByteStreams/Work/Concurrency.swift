extension Collection where Self: Sendable, Element: Sendable {
    /// The results in the order of the elements, though several are worked on at once.
    ///
    /// - Throws: the first error, once all others have ended.
    package func mapConcurrently<Result: Sendable>(
        limit: Int, _ body: @Sendable @escaping (Element) async throws -> Result
    ) async throws -> [Result] {
        var results: [Result] = []
        results.reserveCapacity(count)
        try await forEachConcurrently(limit: limit) { _ in
        } body: { element, _ in
            try await body(element)
        } then: { _, result in
            results.append(result)
        }
        return results
    }

    /// Works on several elements at once.
    ///
    /// - Parameters:
    ///   - prepare: is called with one element after the other, before its turn.
    ///   - body: does the work.
    ///   - then: is given what came of it, in the order of the elements.
    /// - Throws: the first error, once all others have ended.
    package func forEachConcurrently<Preparation: Sendable, Result: Sendable>(
        limit: Int, prepare: (Element) async throws -> Preparation,
        body: @Sendable @escaping (Element, Preparation) async throws -> Result,
        then: (Element, Result) throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (Int, Element, Result).self) { group in
            var waiting = enumerated().makeIterator()
            func start(_ group: inout ThrowingTaskGroup<(Int, Element, Result), any Error>) async throws {
                guard let (index, element) = waiting.next() else { return }
                let preparation = try await prepare(element)
                group.addTask { (index, element, try await body(element, preparation)) }
            }
            // Of elements whose turn has not come.
            var early: [Int: (Element, Result)] = [:]
            var turn = 0
            for _ in 0..<Swift.max(1, limit) { try await start(&group) }
            while let (index, element, result) = try await group.next() {
                early[index] = (element, result)
                while let (element, result) = early.removeValue(forKey: turn) {
                    try then(element, result)
                    turn += 1
                }
                try await start(&group)
            }
        }
    }
}
