import ImageModel

extension Inventory {
    /// Takes stock: all that the images of a listing refer to, and that is there.
    ///
    /// - Parameter remark: is told which images are left out because they cannot be read.
    /// - Throws: what is wrong with the place, not with single images.
    package init(
        of source: any ImageSource, _ listing: SourceListing, remark: (String) -> Void = { _ in }
    ) async throws {
        var repositories: [String: Repository] = [:]
        var seen: Set<Digest> = []
        for broken in listing.broken { remark("\(broken.title) is left out: \(broken.error)") }
        for image in listing.images {
            do {
                let manifests = try await source.manifests(of: image)
                var new: [BlobRecord] = []
                for blob in manifests.flatMap(\.blobs)
                where blob.size >= 0 && !blob.staysAway && !seen.contains(blob.digest) {
                    guard try await source.findAbsence(of: blob, in: image.repository) == nil else { continue }
                    seen.insert(blob.digest)
                    new.append(BlobRecord(digest: blob.digest, size: blob.size))
                }
                // In its place: a copy of a large repository for each of its images would take ever longer.
                let key = image.repository ?? ""
                repositories[key, default: Repository(name: image.repository)].blobs += new
                if image.tag != nil {
                    let name = image.repository == nil ? image.title : image.tag ?? ""
                    repositories[key]?.tags[name] = image.descriptor.digest
                }
            } catch {
                guard let broken = BrokenImage(name: image.name, digest: image.descriptor.digest, error: error) else {
                    throw error
                }
                remark("\(broken.title) is left out: \(broken.error)")
            }
        }
        try self.init(
            repositories.sorted { $0.key < $1.key }.map { _, repository in
                var sorted = repository
                sorted.blobs.sort { $0.digest < $1.digest }
                return sorted
            })
    }
}
