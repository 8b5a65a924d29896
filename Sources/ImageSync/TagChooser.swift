import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// Applies a rule's choice to one repository after the other, and keeps account of what was looked for in vain.
final class TagChooser: Sendable {
    private struct State {
        var missing: Set<String>
        var seen: [String] = []
        var count = 0
    }

    private let rule: SyncRule
    private let source: any ImageSource
    private let progress: Progress
    private let state: Mutex<State>

    /// Images whose dates are looked up at once.
    private static let lookups = 8

    init(_ rule: SyncRule, source: any ImageSource, progress: Progress) {
        self.rule = rule
        self.source = source
        self.progress = progress
        state = Mutex(State(missing: Set(rule.tags?.names ?? [])))
    }

    /// Tags that were named and were in no repository.
    var missing: [String] { state.withLock { $0.missing.sorted() } }

    /// Tags that there were.
    var count: Int { state.withLock { $0.count } }

    /// Some of them, for a message.
    var examples: String {
        let seen = state.withLock { $0.seen }
        return seen.isEmpty ? "" : " (it has \(seen.joined(separator: ", "))\(seen.count < count ? ", ..." : ""))"
    }

    func choose(from candidates: TagCandidates) async throws -> [String] {
        guard isWanted(candidates.repository) else { return [] }
        let tags = try await candidates.tags()
        let there = Set(tags)
        state.withLock { state in
            state.missing.subtract(there)
            state.count += tags.count
            state.seen += tags.prefix(max(0, 8 - state.seen.count))
        }
        guard let selection = rule.tags else { return tags }
        return try await selection.select(from: tags) { try await dates(of: $0, candidates) }.filter(there.contains)
    }

    private func isWanted(_ repository: String?) -> Bool {
        rule.repositories.isEmpty || rule.repositories.contains { $0.matches(repository ?? "") }
    }

    /// When images were made, as their configs tell.
    private func dates(of tags: [String], _ candidates: TagCandidates) async throws -> [String: Int] {
        let source = source
        let dates = try await tags.mapConcurrently(limit: Self.lookups) { tag -> (String, Int)? in
            guard let image = try await candidates.image(tag) else { return nil }
            return try await source.created(image).map { (tag, $0) }
        }
        let known = dates.compactMap { $0 }
        if known.count < tags.count {
            progress.remark(
                "\(rule.name): \(tags.count - known.count) of \(tags.count) images do not tell when they were made, and are "
                    + "not among the newest")
        }
        return Dictionary(known) { first, _ in first }
    }
}

extension ImageSource {
    /// When an image was made, in seconds since 1970; of an index, its first image. nil if it does not tell.
    fileprivate func created(_ image: SourceImage) async throws -> Int? {
        var manifest = try await manifest(image.descriptor, in: image.repository)
        if case .index(let index) = manifest.content {
            guard let first = index.manifests.first(where: { $0.platform?.isUnknown != true }) else { return nil }
            manifest = try await self.manifest(first, in: image.repository)
        }
        guard case .image(let content) = manifest.content else { return nil }
        return try await config(of: content, in: image.repository)?.created.flatMap { Timestamp.parse($0) }
    }
}
