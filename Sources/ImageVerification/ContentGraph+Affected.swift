import Synchronization

/// Whom it hits that something is missing or damaged.
extension ContentGraph {
    struct Step: Hashable {
        var node: Int
        var platform: String?
    }

    /// What parts of indexes that miss the same way hit, so that it is not looked for once more for each.
    final class KnownAffected: Sendable {
        fileprivate let images = Mutex<[Set<Step>: AffectedImages]>([:])
    }

    /// Images that cannot do without any of the nodes.
    func affected(by hit: [Int], names: [String] = []) -> AffectedImages {
        // What has no name of its own hits what lists it.
        guard let known, names.isEmpty, hit.allSatisfy({ nodes[$0].names.isEmpty }) else {
            return findAffected(hit.map { Step(node: $0, platform: nil) }, names)
        }
        let above = Set(hit.lazy.flatMap { nodes[$0].parents }.map { Step(node: $0.node, platform: $0.platform) })
        if let images = known.images.withLock({ $0[above] }) { return images }
        let images = findAffected(Array(above), [])
        known.images.withLock { $0[above] = images }
        return images
    }

    private func findAffected(_ start: [Step], _ names: [String]) -> AffectedImages {
        var found: [String: Set<String?>] = [:]
        for name in names { found[name, default: []].insert(nil) }
        var queue = start
        var seen = Set(queue)
        while let step = queue.popLast() {
            for name in nodes[step.node].names { found[name, default: []].insert(step.platform) }
            for parent in nodes[step.node].parents {
                // The innermost index knows best.
                let above = Step(node: parent.node, platform: step.platform ?? parent.platform)
                if seen.insert(above).inserted { queue.append(above) }
            }
        }
        return AffectedImages(
            found.map { name, platforms in
                AffectedImage(name, platforms: platforms.contains(nil) ? [] : platforms.compactMap { $0 }.sorted())
            })
    }

    func affected(by need: Need) -> AffectedImages { affected(by: need.users.map(\.node), names: need.names) }
}
