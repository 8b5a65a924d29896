import ByteStreams
import FileTrees
import Glibc
package import ImageModel
import ImageTransfer

/// What a registry asks of its storage. All calls block, look at the disk each time, and remember nothing:
/// another process may change the store between any two of them.
///
/// A link that is empty or broken counts as missing, and so does what it should lead to.
extension Store {
    /// Makes sure that it can be written, or served.
    package func prepare() throws { try tree.prepare() }

    // MARK: Lists

    /// Repositories in the original's order, component by component.
    ///
    /// - Parameter last: only those after it; it need not exist.
    package func repositories(after last: String? = nil, limit: Int = .max) throws -> [String] {
        var found: [String] = []
        guard limit > 0 else { return found }
        if let all = try tree.repositories() {
            let start = last.map { $0.split(separator: "/") } ?? []
            return Array(all.drop { !start.lexicographicallyPrecedes($0.split(separator: "/")) }.prefix(limit))
        }
        try RepositoryWalk(list: tree.list, paths: paths).run(after: last) { repository, names in
            if RepositoryWalk.isRepository(names) { found.append(repository) }
            return found.count < limit
        }
        return found
    }

    package func hasRepository(_ repository: String) throws -> Bool {
        if try tree.hasDirectory("\(paths.repositories)/\(repository)/_manifests") { return true }
        // A bucket has no directory that stays when the last manifest is gone.
        return try tree.isRemote && tree.hasDirectory("\(paths.repositories)/\(repository)/_layers")
    }

    /// Sorted; nil if there is no such repository.
    package func tags(of repository: String) throws -> [String]? {
        if let names = try tree.list(paths.tags(repository)) { return names.filter(ImageName.isTag) }
        return try hasRepository(repository) ? [] : nil
    }

    // MARK: Manifests

    /// Digests that the repository has, or had, manifests of.
    package func revisions(of repository: String) throws -> [Digest] {
        try Digest.Algorithm.allCases.flatMap { algorithm in
            try (tree.list(paths.revisions(repository, algorithm)) ?? []).compactMap {
                Digest(algorithm, hex: $0)
            }
        }
    }

    package func digest(ofTag tag: String, in repository: String) throws -> Digest? {
        try link(at: paths.currentLink(tag, repository))
    }

    /// - Returns: nil if the repository has no link to it, or its bytes are gone.
    /// - Throws: `ImageError.damaged` if its bytes are not what its digest says.
    package func manifest(
        _ digest: Digest, in repository: String, limit: Int = Document.sizeLimit
    ) throws -> Manifest? {
        guard let target = try link(at: paths.revisionLink(digest, repository)),
            let bytes = try tree.read(paths.blob(target), limit: limit)
        else { return nil }
        let name = "\(title): \(repository)@\(digest)"
        let manifest = try Manifest(bytes, algorithm: digest.algorithm, name: name)
        guard manifest.digest == digest else {
            throw ImageError.damaged("\(name) is damaged: the digest of its bytes is \(manifest.digest)")
        }
        return manifest
    }

    /// Takes a manifest that a client pushed, and gives it its tags: all with the store held, so that what is seen to
    /// be there is not collected before something refers to it, and nobody deletes the manifest before it has its tags.
    ///
    /// A repository refers to what it may serve itself: bytes that lie here for another one are not given away.
    /// What it refers to is not read: a document of some bytes may name gigabytes.
    ///
    /// - Parameters:
    ///   - name: the repository, and the first tag, if it gets one.
    ///   - tags: the others.
    ///   - required: what has to be there, of all that it refers to.
    /// - Returns: what of that is not there; then nothing was written.
    package func push(
        _ manifest: Manifest, as name: ImageName, alsoAs tags: [String] = [], requiring required: Set<Digest>
    ) throws -> [Digest] {
        let repository = name.repository
        return try tree.whileUsing { isRepeated in
            var missing: [Digest] = []
            for blob in manifest.blobs where try !keep(blob: blob.digest, in: repository) {
                if manifest.kind == .index, try keep(manifest: blob.digest, in: repository) { continue }
                if required.contains(blob.digest) { missing.append(blob.digest) }
            }
            var seen: Set<Digest> = []
            for child in manifest.children.map(\.digest) where seen.insert(child).inserted {
                if try !keep(manifest: child, in: repository), required.contains(child) { missing.append(child) }
            }
            if missing.isEmpty {
                try write(manifest, in: repository)
            } else if isRepeated {
                try takeBack(manifest, in: repository)
            }
            return missing
        } then: { missing in
            guard missing.isEmpty else { return }
            for tag in [name.tag].compactMap({ $0 }) + tags { try setTag(tag, manifest.digest, in: repository) }
        }
    }

    /// Like `affirm(blob:in:)`.
    package func affirm(manifest digest: Digest, in repository: String) throws -> Bool {
        try tree.whileLooking { try keep(manifest: digest, in: repository) }
    }

    private func keep(manifest digest: Digest, in repository: String) throws -> Bool {
        guard let target = try keptLink(at: paths.revisionLink(digest, repository)) else { return false }
        return try tree.keep(paths.blob(target)) != nil
    }

    package func hasManifest(_ digest: Digest, in repository: String) throws -> Bool {
        try manifestSize(digest, in: repository) != nil
    }

    /// - Returns: bytes; nil if the repository has no link to it, or its bytes are gone.
    package func manifestSize(_ digest: Digest, in repository: String) throws -> Int64? {
        try link(at: paths.revisionLink(digest, repository)).flatMap { try size(ofBlob: $0) }
    }

    /// - Returns: nil if the repository has no link to it, or its bytes are gone.
    package func manifestFile(_ digest: Digest, in repository: String) throws -> StoredContent? {
        try link(at: paths.revisionLink(digest, repository)).flatMap { try tree.content(of: paths.blob($0)) }
    }

    /// Keeps a manifest whose blobs may come later, or never: only a cache of another registry may do that.
    package func cache(_ manifest: Manifest, in repository: String) throws {
        let target = Digest(of: manifest.payload)
        try tree.whileUsing {
            try tree.put(manifest.payload, at: paths.blob(target))
            try link(paths.revisionLink(manifest.digest, repository), to: target)
        }
    }

    // MARK: Blobs

    /// A blob that the repository may serve.
    package func blob(_ digest: Digest, in repository: String) throws -> StoredContent? {
        try link(at: paths.layerLink(digest, repository)).flatMap { try tree.content(of: paths.blob($0)) }
    }

    /// - Returns: bytes; nil if the repository has no link to it, or its bytes are gone.
    package func blobSize(_ digest: Digest, in repository: String) throws -> Int64? {
        try link(at: paths.layerLink(digest, repository)).flatMap { try size(ofBlob: $0) }
    }

    /// Whoever hears that a blob is there may refer to it and not send it: it is touched, so that a garbage
    /// collection leaves it for the time being.
    ///
    /// - Returns: whether the repository may serve it, and it is there.
    package func affirm(blob digest: Digest, in repository: String) throws -> Bool {
        try tree.whileLooking { try keep(blob: digest, in: repository) }
    }

    private func keep(blob digest: Digest, in repository: String) throws -> Bool {
        guard let target = try keptLink(at: paths.layerLink(digest, repository)) else { return false }
        return try tree.keep(paths.blob(target)) != nil
    }

    /// Lets a repository serve a blob that another one serves.
    ///
    /// - Returns: its size; nil if the other one has no such blob.
    package func mount(_ digest: Digest, from origin: String, into repository: String) throws -> Int64? {
        try tree.whileUsing {
            guard let target = try link(at: paths.layerLink(digest, origin)),
                let size = try tree.keep(paths.blob(target))
            else { return nil }
            try linkBlob(digest, canonical: target, in: repository)
            return size
        }
    }

    /// - Parameter canonical: the SHA-256, under which the bytes lie.
    func linkBlob(_ digest: Digest, canonical: Digest, in repository: String) throws {
        try link(paths.layerLink(canonical, repository), to: canonical)
        if digest != canonical { try link(paths.layerLink(digest, repository), to: canonical) }
    }

    /// Gives an upload's bytes their final name, unless they are there already, and lets a repository serve them.
    ///
    /// - Parameter canonical: their SHA-256.
    func publish(_ upload: any UploadFile, as digest: Digest, canonical: Digest, in repository: String) throws {
        try upload.publish(at: paths.blob(canonical)) {
            try linkBlob(digest, canonical: canonical, in: repository)
        }
    }

    /// - Returns: nil for a link that is missing, empty or broken.
    func link(at relative: String) throws -> Digest? {
        try tree.read(relative, limit: LinkFile.sizeLimit).flatMap { LinkFile($0).target }
    }

    /// A link that a garbage collection leaves for the time being.
    private func keptLink(at relative: String) throws -> Digest? {
        try tree.readKept(relative, limit: LinkFile.sizeLimit).flatMap { LinkFile($0).target }
    }
}
