package import ByteStreams
import Glibc
package import ImageModel
import ImageTransfer

/// What a registry asks of its storage. All calls block, look at the disk each time, and remember nothing:
/// another process may change the store between any two of them.
///
/// A link that is empty or broken counts as missing, and so does what it should lead to.
extension Store {
    /// Makes sure that it can be written, or served.
    ///
    /// - Throws: `StreamError.damaged` where a link in place of one of its directories leads out of it.
    package func prepare() throws {
        let area = try area()
        _ = try area.hasDirectory(at: "\(path)/\(paths.blobs)")
        try area.makeDirectory(at: "\(path)/\(paths.repositories)")
    }

    // MARK: Lists

    /// Repositories in the original's order, component by component.
    ///
    /// - Parameter last: only those after it; it need not exist.
    package func repositories(after last: String? = nil, limit: Int = .max) throws -> [String] {
        var found: [String] = []
        let start = last.map { $0.split(separator: "/").map(String.init) } ?? []
        try walk("", below: start[...], limit: limit, &found)
        return found
    }

    /// - Parameter start: what is left of `last` below this repository; nil if all here comes after it.
    private func walk(
        _ repository: String, below start: ArraySlice<String>?, limit: Int, _ found: inout [String]
    ) throws {
        let directory = repository.isEmpty ? paths.repositories : "\(paths.repositories)/\(repository)"
        let names = try listDirectory("\(path)/\(directory)") ?? []
        if !repository.isEmpty, start == nil, names.contains("_manifests") || names.contains("_layers") {
            found.append(repository)
        }
        for name in names where !name.hasPrefix("_") {
            guard found.count < limit else { return }
            var rest: ArraySlice<String>?
            if let start, let first = start.first {
                if name < first { continue }
                if name == first { rest = start.dropFirst() }
            }
            let child = repository.isEmpty ? name : "\(repository)/\(name)"
            if ImageName.isRepository(child) { try walk(child, below: rest, limit: limit, &found) }
        }
    }

    package func hasRepository(_ repository: String) throws -> Bool {
        try fileKind("\(path)/\(paths.repositories)/\(repository)/_manifests") == .directory
    }

    /// Sorted; nil if there is no such repository.
    package func tags(of repository: String) throws -> [String]? {
        if let names = try listDirectory("\(path)/\(paths.tags(repository))") { return names.filter(ImageName.isTag) }
        return try hasRepository(repository) ? [] : nil
    }

    // MARK: Manifests

    /// Digests that the repository has, or had, manifests of.
    package func revisions(of repository: String) throws -> [Digest] {
        try Digest.Algorithm.allCases.flatMap { algorithm in
            try (listDirectory("\(path)/\(paths.revisions(repository, algorithm))") ?? []).compactMap {
                Digest(algorithm, hex: $0)
            }
        }
    }

    package func digest(ofTag tag: String, in repository: String) throws -> Digest? {
        try link(at: paths.currentLink(tag, repository))
    }

    /// - Returns: nil if the repository has no link to it, or its bytes are gone.
    /// - Throws: `TransferError.damaged` if its bytes are not what its digest says.
    package func manifest(_ digest: Digest, in repository: String) throws -> Manifest? {
        guard let target = try link(at: paths.revisionLink(digest, repository)),
            let bytes = try readFile(path(ofBlob: target), limit: Document.sizeLimit)
        else { return nil }
        let name = "\(title): \(repository)@\(digest)"
        let manifest = try Manifest(bytes, algorithm: digest.algorithm, name: name)
        guard manifest.digest == digest else {
            throw TransferError.damaged("\(name) is damaged: the digest of its bytes is \(manifest.digest)")
        }
        return manifest
    }

    /// Takes a manifest that a client pushed, and gives it its tag: all with the store held, so that what is seen to
    /// be there is not collected before something refers to it, and nobody deletes the manifest before it has its tag.
    ///
    /// A repository refers to what it may serve itself: bytes that lie here for another one are not given away.
    ///
    /// - Parameters:
    ///   - name: the repository, and the tag, if it gets one.
    ///   - required: what has to be there, of all that it refers to.
    /// - Returns: what of that is not there; then nothing was written.
    /// - Throws: `DocumentError` if a child is another kind of manifest than the index says.
    package func push(_ manifest: Manifest, as name: ImageName, requiring required: Set<Digest>) throws -> [Digest] {
        try StoreLock.using(path) {
            let repository = name.repository
            var missing: [Digest] = []
            for blob in manifest.blobs where try !keep(blob: blob.digest, in: repository) {
                if manifest.kind == .index, try keep(manifest: blob.digest, in: repository) { continue }
                if required.contains(blob.digest) { missing.append(blob.digest) }
            }
            for child in manifest.children {
                if try keep(manifest: child.digest, in: repository) {
                    try check(child, of: manifest, in: repository)
                } else if required.contains(child.digest) {
                    missing.append(child.digest)
                }
            }
            guard missing.isEmpty else { return missing }
            try write(manifest, in: repository)
            if let tag = name.tag { try setTag(tag, manifest.digest, in: repository) }
            return []
        }
    }

    /// Compares what an index says of a child that is there with what it is. Damage of the child is not the index's fault.
    private func check(_ child: Descriptor, of index: Manifest, in repository: String) throws {
        let stored: Manifest?
        do {
            stored = try self.manifest(child.digest, in: repository)
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            return
        }
        try stored?.kind.check(claim: child.mediaType, name: "\(child.digest)")
    }

    /// Like `affirm(blob:in:)`.
    package func affirm(manifest digest: Digest, in repository: String) throws -> Bool {
        let lock = try StoreLock.forLook(at: path)
        defer { withExtendedLifetime(lock) {} }
        return try keep(manifest: digest, in: repository)
    }

    private func keep(manifest digest: Digest, in repository: String) throws -> Bool {
        let link = paths.revisionLink(digest, repository)
        guard let target = try self.link(at: link), try touch("\(path)/\(link)"), try touch(path(ofBlob: target)) else {
            return false
        }
        return try size(ofBlob: target) != nil
    }

    package func hasManifest(_ digest: Digest, in repository: String) throws -> Bool {
        guard let target = try link(at: paths.revisionLink(digest, repository)) else { return false }
        return try size(ofBlob: target) != nil
    }

    /// Keeps a manifest whose blobs may come later, or never: only a cache of another registry may do that.
    package func cache(_ manifest: Manifest, in repository: String) throws {
        let target = Digest(of: manifest.payload)
        try StoreLock.using(path) {
            try area().write(manifest.payload, to: path(ofBlob: target))
            try link(paths.revisionLink(manifest.digest, repository), to: target)
        }
    }

    /// Takes a manifest and every tag of it away: the tags, then the revision's link, so that an end in the middle
    /// leaves no tag that leads to nothing. Nobody else uses the store meanwhile, so that it gets no new one.
    ///
    /// - Returns: whether the repository had it.
    package func deleteManifest(_ digest: Digest, in repository: String) throws -> Bool {
        let lock = try StoreLock.forSweeping(path)
        defer { withExtendedLifetime(lock) {} }
        guard let target = try link(at: paths.revisionLink(digest, repository)) else { return false }
        let names: Set = [digest, target]
        let area = try area()
        let links = names.map { "\(path)/\(paths.revisionLink($0, repository))" }
        // What cannot be taken away later keeps its tags.
        for link in links { _ = try area.hasDirectory(at: parent(of: link)) }
        for tag in try listDirectory("\(path)/\(paths.tags(repository))") ?? [] {
            if let current = try link(at: paths.currentLink(tag, repository)), names.contains(current) {
                try remove(tag: tag, repository)
            }
        }
        for link in links { try area.removeFile(link) }
        return true
    }

    /// Takes a tag away, and nothing else.
    ///
    /// - Returns: what it meant; nil if there was no such tag.
    package func deleteTag(_ tag: String, in repository: String) throws -> Digest? {
        let lock = try StoreLock.forSweeping(path)
        defer { withExtendedLifetime(lock) {} }
        guard let digest = try link(at: paths.currentLink(tag, repository)) else { return nil }
        try remove(tag: tag, repository)
        return digest
    }

    /// All at once: a registry lists what has a history, whether it means anything or not.
    private func remove(tag: String, _ repository: String) throws {
        try area().remove("\(path)/\(paths.tag(tag, repository))")
    }

    // MARK: Blobs

    /// A blob that the repository may serve.
    package func blob(_ digest: Digest, in repository: String) throws -> OpenFile? {
        guard let target = try link(at: paths.layerLink(digest, repository)) else { return nil }
        do {
            return try OpenFile(reading: path(ofBlob: target))
        } catch StreamError.io(_, _, let code) where code == ENOENT || code == ENOTDIR {
            return nil
        }
    }

    /// Whoever hears that a blob is there may refer to it and not send it: it is touched, so that a garbage
    /// collection leaves it for the time being.
    ///
    /// - Returns: whether the repository may serve it, and it is there.
    package func affirm(blob digest: Digest, in repository: String) throws -> Bool {
        let lock = try StoreLock.forLook(at: path)
        defer { withExtendedLifetime(lock) {} }
        return try keep(blob: digest, in: repository)
    }

    private func keep(blob digest: Digest, in repository: String) throws -> Bool {
        guard let target = try link(at: paths.layerLink(digest, repository)), try touch(path(ofBlob: target)),
            try touch("\(path)/\(paths.layerLink(digest, repository))")
        else { return false }
        return try size(ofBlob: target) != nil
    }

    /// Lets a repository serve a blob that another one serves.
    ///
    /// - Returns: its size; nil if the other one has no such blob.
    package func mount(_ digest: Digest, from origin: String, into repository: String) throws -> Int64? {
        try StoreLock.using(path) {
            guard let target = try link(at: paths.layerLink(digest, origin)), try touch(path(ofBlob: target)),
                let size = try size(ofBlob: target)
            else { return nil }
            try linkBlob(digest, canonical: target, in: repository)
            return size
        }
    }

    /// Takes away what lets a repository serve a blob. The bytes stay until garbage collection.
    ///
    /// - Returns: whether it could serve it.
    package func unlinkBlob(_ digest: Digest, in repository: String) throws -> Bool {
        guard let target = try link(at: paths.layerLink(digest, repository)) else { return false }
        for name in Set([digest, target]) {
            try area().removeFile("\(path)/\(paths.layerLink(name, repository))")
        }
        return true
    }

    /// - Parameter canonical: the SHA-256, under which the bytes lie.
    func linkBlob(_ digest: Digest, canonical: Digest, in repository: String) throws {
        try link(paths.layerLink(canonical, repository), to: canonical)
        if digest != canonical { try link(paths.layerLink(digest, repository), to: canonical) }
    }

    /// Gives an upload's bytes their final name, unless they are there already, and lets a repository serve them.
    ///
    /// - Parameter canonical: their SHA-256.
    func adoptUpload(
        _ path: String, _ descriptor: Int32, size: Int64, as digest: Digest, canonical: Digest, in repository: String
    ) throws {
        let final = self.path(ofBlob: canonical)
        // The slow part needs no lock.
        let isNew = try self.size(ofBlob: canonical) != size
        if isNew { try systemCall("sync", path) { fsync(descriptor) } }
        try StoreLock.using(self.path) {
            if try !touch(final) || self.size(ofBlob: canonical) != size {
                // It may have been collected in between.
                if !isNew { try systemCall("sync", path) { fsync(descriptor) } }
                try area().adopt(path, as: final)
            }
            try linkBlob(digest, canonical: canonical, in: repository)
        }
    }

    /// - Returns: nil for a link that is missing, empty or broken.
    private func link(at relative: String) throws -> Digest? {
        try readFile("\(path)/\(relative)", limit: 4096).flatMap { Digest(String(decoding: $0, as: UTF8.self)) }
    }
}

extension Store {
    /// Takes away the links to blobs, manifests and tags that were written long ago: for a cache, which can
    /// fetch them again.
    ///
    /// - Returns: how many went.
    package func forgetCached(olderThan age: Duration) throws -> Int {
        let latest = Timestamp.now - Int(age.components.seconds)
        var count = 0
        for repository in try repositories() {
            for tag in try tags(of: repository) ?? [] {
                guard let time = try modificationTime("\(path)/\(paths.currentLink(tag, repository))"), time < latest,
                    try deleteTag(tag, in: repository) != nil
                else { continue }
                count += 1
            }
            for digest in try revisions(of: repository) {
                guard let time = try modificationTime("\(path)/\(paths.revisionLink(digest, repository))"),
                    time < latest, try deleteManifest(digest, in: repository)
                else { continue }
                count += 1
            }
            for digest in try layers(of: repository) {
                guard let time = try modificationTime("\(path)/\(paths.layerLink(digest, repository))"),
                    time < latest, try unlinkBlob(digest, in: repository)
                else { continue }
                count += 1
            }
        }
        return count
    }

    private func layers(of repository: String) throws -> [Digest] {
        try Digest.Algorithm.allCases.flatMap { algorithm in
            try (listDirectory("\(path)/\(paths.layers(repository, algorithm))") ?? []).compactMap {
                Digest(algorithm, hex: $0)
            }
        }
    }
}
