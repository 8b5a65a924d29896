extension Collection where Self: Sendable, Element: Sendable {
    /// The results in the order of the elements, though several are worked on at once.
    ///
    /// - Throws: the first error, once all others have ended.
    package func mapConcurrently<Result: Sendable>(
        limit: Int, _ body: @Sendable @escaping (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: count)
            var waiting = enumerated().makeIterator()
            for _ in 0..<Swift.max(1, limit) {
                guard let (index, element) = waiting.next() else { break }
                group.addTask { (index, try await body(element)) }
            }
            while let (index, result) = try await group.next() {
                results[index] = result
                if let (index, element) = waiting.next() { group.addTask { (index, try await body(element)) } }
            }
            return results.compactMap { $0 }
        }
    }
}
