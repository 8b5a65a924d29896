import ByteStreams
import FileTrees
package import ImageModel

/// Deletes what a client of the server, or the expiry of a cache, no longer wants. The bytes stay until a garbage
/// collection.
extension Store {
    /// Deletes a manifest with all its tags: the tags, then the revision's link, so that an end in the middle leaves no
    /// tag that leads to nothing.
    ///
    /// A repository may have very many tags, so they are read while others use the store. Whoever tags the manifest
    /// meanwhile is found by a second look: once its link is gone, it can only be tagged by pushing it again.
    ///
    /// - Returns: whether the repository had it.
    package func deleteManifest(_ digest: Digest, in repository: String) throws -> Bool {
        let revision = paths.revisionLink(digest, repository)
        guard let target = try link(at: revision) else { return false }
        let names: Set = [digest, target]
        let links = names.map { paths.revisionLink($0, repository) }
        // What cannot be deleted keeps its tags.
        for link in links { try tree.checkRemovable(in: parent(of: link)) }
        try tree.whileAlone { try release(target, in: repository) }
        try deleteTags(of: names, in: repository) { true }
        let wasThere = try tree.whileAlone { try links.map { try tree.remove($0) }.contains(true) }
        try deleteTags(of: names, in: repository) { try link(at: revision) == nil }
        return wasThere
    }

    /// Deletes the tags that name one of the digests, in short holds of the store.
    ///
    /// - Parameter condition: asked while the store is held, before each tag goes.
    private func deleteTags(of names: Set<Digest>, in repository: String, if condition: () throws -> Bool) throws {
        func isMeant(_ tag: String) throws -> Bool {
            try link(at: paths.currentLink(tag, repository)).map(names.contains) ?? false
        }
        var rest = try (tree.list(paths.tags(repository)) ?? []).filter(isMeant)[...]
        while !rest.isEmpty {
            try tree.whileAlone {
                let start = ContinuousClock.now
                repeat {
                    guard let tag = rest.popFirst() else { return }
                    if try isMeant(tag), try condition() { try remove(tag: tag, repository) }
                } while ContinuousClock.now - start < StoreSweep.turn
            }
        }
    }

    /// Takes a tag away, and nothing else.
    ///
    /// - Returns: what it meant; nil if there was no such tag.
    package func deleteTag(_ tag: String, in repository: String) throws -> Digest? {
        try tree.whileAlone {
            guard let digest = try link(at: paths.currentLink(tag, repository)) else { return nil }
            // Where no other tag names the manifest, a collection may delete that as well.
            if let target = try link(at: paths.revisionLink(digest, repository)) { try release(target, in: repository) }
            try remove(tag: tag, repository)
            return digest
        }
    }

    /// Lets a garbage collection delete a manifest or blob, and what the manifest refers to, before the grace time is
    /// over. With the store held for sweeping.
    private func release(_ target: Digest, in repository: String) throws {
        guard let packed = PackedDigest(target) else { return }
        try tree.release(packed, in: repository)
    }

    /// All at once: a registry lists what has a history, whether it means anything or not.
    private func remove(tag: String, _ repository: String) throws {
        try tree.remove(directory: paths.tag(tag, repository))
    }

    /// Takes away what lets a repository serve a blob. The bytes stay until garbage collection.
    ///
    /// - Returns: whether it could serve it.
    package func unlinkBlob(_ digest: Digest, in repository: String) throws -> Bool {
        try tree.whileAlone {
            guard let target = try link(at: paths.layerLink(digest, repository)) else { return false }
            try release(target, in: repository)
            for name in Set([digest, target]) {
                try tree.remove(paths.layerLink(name, repository))
            }
            return true
        }
    }

    /// Takes away the links to blobs, manifests and tags that were written long ago: for a cache, which can
    /// fetch them again.
    ///
    /// - Returns: how many went.
    package func forgetCached(olderThan age: Duration) throws -> Int {
        let latest = Timestamp.now - Int(age.components.seconds)
        var count = 0
        for repository in try repositories() {
            for tag in try tags(of: repository) ?? [] {
                guard let time = try tree.modified(paths.currentLink(tag, repository)), time < latest,
                    try deleteTag(tag, in: repository) != nil
                else { continue }
                count += 1
            }
            for digest in try revisions(of: repository) {
                guard let time = try tree.modified(paths.revisionLink(digest, repository)),
                    time < latest, try deleteManifest(digest, in: repository)
                else { continue }
                count += 1
            }
            for digest in try layers(of: repository) {
                guard let time = try tree.modified(paths.layerLink(digest, repository)),
                    time < latest, try unlinkBlob(digest, in: repository)
                else { continue }
                count += 1
            }
        }
        return count
    }

    private func layers(of repository: String) throws -> [Digest] {
        try Digest.Algorithm.allCases.flatMap { algorithm in
            try (tree.list(paths.layers(repository, algorithm)) ?? []).compactMap {
                Digest(algorithm, hex: $0)
            }
        }
    }
}
