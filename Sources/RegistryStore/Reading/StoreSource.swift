package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
import ObjectStorage
import Synchronization

/// The images of a registry's storage: a directory, or a tar of one, plain or compressed.
package final class StoreSource: StreamedSource, KnowsAbsences {
    let tree: any FileTree
    /// Of an archive, at each depth, that are looked into for a store.
    private static let mostDirectories = 1000
    private let subjects = Mutex<[String: SubjectIndex]>([:])
    /// Of this tree, once they were found.
    private let foundPaths: Mutex<StorePaths?>

    /// - Parameter path: what holds `docker/registry/v2`, an archive of that, or `-` for such an archive
    ///   on standard input.
    /// - Throws: `ImageError.io` if it is not there.
    package convenience init(path: String, _ trees: TreeOpener = TreeOpener()) throws {
        self.init(try trees.open(path))
    }

    package convenience init(_ tree: any FileTree) { self.init(tree, at: nil) }

    /// - Parameter paths: nil to look for them.
    init(_ tree: any FileTree, at paths: StorePaths?) {
        self.tree = tree
        foundPaths = Mutex(paths)
    }

    /// The directory of a store that is listed as a whole by those who read what a repository has.
    ///
    /// - Parameter path: of a file in it.
    package static func listedDirectory(of path: String) -> String? {
        let place = "/_manifests"
        guard let range = path.firstRange(of: "\(place)/") else { return nil }
        return path[..<range.lowerBound] + place
    }

    package var title: String { tree.title }
    package func reference(in repository: String?) -> ImageReference? {
        ImageReference(transport: .store, location: tree.path, name: repository)
    }
    package var madeUpRepository: String { ImageName.repository(fromFile: tree.path == "-" ? "image" : tree.path) }

    package var order: SourceAccess { tree.access }

    package func drain(_ accept: (StreamedBlob) throws -> Digest) throws {
        try (tree as? StreamedTree)?.drain(accept)
    }

    /// The `v2` directory; in an archive it may lie below others.
    ///
    /// - Throws: `ImageError.foreign` if there is none.
    func paths() throws -> StorePaths {
        if let paths = try pathsIfThere() { return paths }
        guard tree is BucketTree else { throw try ForeignMembers.error(of: tree) }
        throw ImageError.notFound(
            "\(title): no registry's storage: there are no keys below \(StorePaths.standard.root); check the prefix")
    }

    package func pathsIfThere() throws -> StorePaths? {
        if let known = foundPaths.withLock({ $0 }) { return known }
        let found = try findPaths()
        foundPaths.withLock { $0 = found }
        return found
    }

    private func findPaths() throws -> StorePaths? {
        var directories = [""]
        for _ in 0...ImageForm.storeDepth {
            for directory in directories {
                let root = directory.isEmpty ? StorePaths.standard.root : "\(directory)/\(StorePaths.standard.root)"
                if try tree.list(root) != nil { return StorePaths(root: root) }
            }
            var below: [String] = []
            for directory in directories where below.count < Self.mostDirectories {
                below += try (tree.list(directory) ?? []).filter { !$0.hasPrefix(".") }.map {
                    directory.isEmpty ? $0 : "\(directory)/\($0)"
                }
            }
            directories = Array(below.prefix(Self.mostDirectories))
            if tree is DirectoryTree || tree is BucketTree { break }
        }
        return nil
    }

    // MARK: Listing

    package func listing() async throws -> SourceListing {
        // What goes by in a stream is read in its order.
        guard access == .anyOrder else { return try await Workers.blobs.run { [self] in try listAll() } }
        var (paths, names, listing) = try await Workers.blobs.run { [self] in try outline() }
        for part in try await inParallel(names, { [self, paths] name, _ in try list(name, paths) }) {
            listing.add(part)
        }
        return listing
    }

    package func listAll() throws -> SourceListing {
        var (paths, names, listing) = try outline()
        for name in names { listing.add(try list(name, paths)) }
        return listing
    }

    /// Every repository, and a listing of what is passed over.
    private func outline() throws -> (StorePaths, [String], SourceListing) {
        let paths = try paths()
        var listing = SourceListing()
        let names = try repositories(paths) { listing.notes.append($0) }
        return (paths, names, listing)
    }

    /// The images of one repository that can be read.
    func images(in repository: String) async throws -> [SourceImage] {
        try await Workers.blobs.run { [self] in try list(repository, paths()).images }
    }

    /// Repositories whose tags are another one's, by a link.
    private static let mostRepetitions = 64

    /// Every repository, sorted component by component.
    ///
    /// - Parameter note: is told of what no client could ask for.
    func repositories(_ paths: StorePaths, note: (String) -> Void = { _ in }) throws -> [String] {
        if let tree = tree as? any ListsRepositories {
            return try tree.repositories(in: paths.repositories).filter { ImageName.isRepository($0) }
        }
        var found: [String] = []
        // Links can lead in circles: to each place once.
        var linked: Set<String> = []
        func isNews(_ directory: String) throws -> Bool {
            guard let real = try tree.resolved(directory) else { return false }
            return real == directory || linked.insert(real).inserted
        }
        // Each repository is listed with tags that another one has by a link, and they may be many.
        var repetitions = 0
        func checkTags(_ repository: String) throws {
            guard let real = try tree.resolved(paths.tags(repository)), real != paths.tags(repository),
                !linked.insert(real).inserted
            else { return }
            repetitions += 1
            guard repetitions <= Self.mostRepetitions else {
                throw ImageError.damaged(
                    "\(title): more than \(Self.mostRepetitions) repositories have the tags of another one, by a link; "
                        + "remove such links")
            }
        }
        func enters(_ child: String) throws -> Bool {
            let path = "\(paths.repositories)/\(child)"
            // What is no UTF-8 is not found by what it is told as.
            let isText = !child.unicodeScalars.contains("\u{FFFD}")
            guard try !isText || isNews(path) else { return false }
            if ImageName.isRepository(child) { return true }
            if try !isText || tree.list("\(path)/_manifests") != nil {
                note("'\(child.prefix(300))' in \(title) is no valid name of a repository")
            }
            return false
        }
        try RepositoryWalk(list: tree.list, paths: paths).run(entering: enters) { repository, names in
            guard RepositoryWalk.isRepository(names) else { return true }
            try checkTags(repository)
            found.append(repository)
            return true
        }
        return found
    }

    /// Tags first, then what goes by digest alone and is no part of something else.
    private func list(_ repository: String, _ paths: StorePaths) throws -> SourceListing {
        var listing = SourceListing()
        var parts: Set<Digest> = []
        // Once, and only what has to be known of them: there may be very many.
        var read: [Digest: Descriptor] = [:]
        var referrers: [Digest: SubjectIndex.Referrer] = [:]
        func manifest(_ digest: Digest) throws -> Descriptor {
            if let known = read[digest] { return known }
            let manifest = try self.manifest(digest, repository, paths)
            if case .index = manifest.content {
                parts.formUnion((manifest.children + manifest.blobs).map(\.digest))
            }
            referrers[digest] = SubjectIndex.Referrer(manifest)
            read[digest] = manifest.descriptor
            return manifest.descriptor
        }
        func image(_ manifest: Descriptor, _ tag: String?) -> SourceImage {
            SourceImage(
                name: .full(ImageName(repository: repository, tag: tag)), descriptor: manifest, repository: repository)
        }
        func broken(_ tag: String?, _ digest: Digest?, _ error: any Error) throws -> BrokenImage {
            let name = SourceImage.Name.full(ImageName(repository: repository, tag: tag))
            guard let broken = BrokenImage(name: name, repository: repository, digest: digest, error: error) else {
                throw error
            }
            return broken
        }
        for tag in try tree.list(paths.tags(repository)) ?? [] {
            guard ImageName.isTag(tag) else {
                listing.notes.append("'\(tag.prefix(300))' in \(repository) is no valid tag")
                continue
            }
            do {
                guard let digest = try link(paths.currentLink(tag, repository)) else { continue }
                let manifest = try manifest(digest)
                parts.insert(manifest.digest)
                listing.images.append(image(manifest, tag))
            } catch {
                listing.broken.append(try broken(tag, nil, error))
            }
        }
        var manifests: [Descriptor] = []
        var subjects = SubjectIndex()
        for digest in try revisions(of: repository, paths) {
            do {
                manifests.append(try manifest(digest))
                if let referrer = referrers[digest] { subjects.add(referrer) }
            } catch let error as ImageError where error.code == .notFound {
                // The registry's own garbage collection leaves such links.
                listing.notes.append("\(repository)@\(digest) is linked, but its bytes are gone")
            } catch {
                listing.broken.append(try broken(nil, digest, error))
            }
        }
        listing.images += manifests.filter { !parts.contains($0.digest) }.map { image($0, nil) }
        self.subjects.withLock { [subjects] in $0[repository] = subjects }
        return listing
    }

    /// Canonical digests may stand twice, under sha512 as well: then that one is who the manifest is.
    private func revisions(of repository: String, _ paths: StorePaths) throws -> [Digest] {
        var digests: [Digest] = []
        var canonical: Set<Digest> = []
        for algorithm in [Digest.Algorithm.sha512, .sha256] {
            for hex in try tree.list(paths.revisions(repository, algorithm)) ?? [] {
                guard let digest = Digest(algorithm, hex: hex),
                    try tree.size(of: paths.revisionLink(digest, repository)) != nil, !canonical.contains(digest)
                else { continue }
                if algorithm == .sha512, let target = try? link(paths.revisionLink(digest, repository)) {
                    canonical.insert(target)
                }
                digests.append(digest)
            }
        }
        return digests
    }

    // MARK: Content

    /// What a link says; nil if there is none.
    ///
    /// - Throws: `ImageError.damaged` if it is empty or no digest.
    func link(_ path: String) throws -> Digest? {
        guard let bytes = try tree.read(path, limit: LinkFile.sizeLimit) else { return nil }
        switch LinkFile(bytes) {
        case .digest(let digest): return digest
        case .broken(let what, _): throw ImageError.damaged("\(title): the link \(path) \(what)")
        }
    }

    func manifest(_ digest: Digest, _ repository: String, _ paths: StorePaths) throws -> Manifest {
        guard let target = try link(paths.revisionLink(digest, repository)) else {
            throw ImageError.notFound("\(title): \(repository) has no manifest \(digest)")
        }
        let descriptor = Descriptor(untyped: digest)
        do {
            return try tree.manifest(descriptor, at: paths.blob(target), title: "\(title): \(repository)")
        } catch let error as ImageError where error.code == .notFound {
            throw ImageError.notFound("\(title): \(repository) links the manifest \(digest), but its bytes are gone")
        }
    }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await Workers.blobs.run { [self] in
            let manifest = try manifest(descriptor.digest, repository ?? "", paths())
            try manifest.check(against: descriptor, name: "\(title): the manifest \(descriptor.digest)")
            return manifest
        }
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        DeferredSource { [self] in
            let paths = try paths()
            let repository = repository ?? ""
            guard let target = try link(paths.layerLink(descriptor.digest, repository)) else {
                throw ImageError.notFound("\(title): \(repository) has no link to the blob \(descriptor.digest)")
            }
            guard let source = try tree.open(paths.blob(target)) else {
                throw ImageError.notFound(
                    "\(title): \(repository) links the blob \(descriptor.digest), but its bytes are gone")
            }
            return source
        }
    }

    package func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        guard let target = try link(paths().layerLink(blob.digest, repository ?? "")) else {
            return BlobAbsence(reason: "\(title) has no link to it in \(repository ?? "")")
        }
        return try tree.absence(of: blob, at: paths().blob(target))
    }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        guard let repository else { return [] }
        return try await Workers.blobs.run { [self] in
            if let known = subjects.withLock({ $0[repository] }) { return known.referrers(of: digest) }
            let paths = try paths()
            var found = SubjectIndex()
            for revision in try revisions(of: repository, paths) {
                if let manifest = try? manifest(revision, repository, paths) { found.add(manifest) }
            }
            subjects.withLock { [found] in $0[repository] = found }
            return found.referrers(of: digest)
        }
    }
}
