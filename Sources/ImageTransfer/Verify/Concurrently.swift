/// Runs `body` for all items, so many at a time. The results are in the items' order.
func concurrently<Item: Sendable, Result: Sendable>(
    _ items: [Item], limit: Int, _ body: @Sendable @escaping (Item) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        var results = [Result?](repeating: nil, count: items.count)
        var next = 0
        func start() {
            guard next < items.count else { return }
            let position = next
            next += 1
            group.addTask { (position, try await body(items[position])) }
        }
        for _ in 0..<max(1, limit) { start() }
        while let (position, result) = try await group.next() {
            results[position] = result
            start()
        }
        return results.compactMap { $0 }
    }
}
