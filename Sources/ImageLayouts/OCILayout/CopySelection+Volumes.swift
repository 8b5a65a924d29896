import ImageModel
package import ImageTransfer

extension [CopySelection] {
    /// Volumes of one set that were named one by one, as one source.
    package func joiningVolumes() throws -> [CopySelection] {
        var joined: [Digest: VolumeTree] = [:]
        func tree(_ selection: CopySelection) -> VolumeTree? { (selection.source as? OCISource)?.tree as? VolumeTree }
        for case let tree? in map(tree) { joined[tree.set] = try joined[tree.set]?.joined(with: tree) ?? tree }
        let sources = joined.mapValues { OCISource($0) }
        var seen: Set<[String?]> = []
        return compactMap { selection in
            guard let set = tree(selection)?.set, let source = sources[set] else { return selection }
            guard seen.insert([set.hex, selection.name, selection.digest?.description]).inserted else { return nil }
            var selection = selection
            selection.source = source
            return selection
        }
    }
}
