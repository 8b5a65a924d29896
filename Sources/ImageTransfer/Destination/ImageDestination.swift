package import ImageModel

/// A place that images can be written to. What only some places can do is a protocol of its own: see
/// `DestinationCapabilities.swift`.
///
/// The copier calls, in this order: `begin`; for each image `writer` for its missing blobs, `put` for its manifests,
/// child-first, and `tag`; then `finish`, or after an error `abandon`. Blobs of a stream come before `begin`.
package protocol ImageDestination: ChangeablePlace {
    var title: String { get }
    var traits: DestinationTraits { get }
    /// The name in the destination's reference, which images are to get there.
    var requestedName: String? { get }

    /// - Parameters:
    ///   - images: the images that are going to be put, as far as that is known.
    ///   - areCertain: whether they are known to the byte, and all of them have to arrive: a destination that writes a
    ///     stream can put its index first.
    func begin(_ images: AnnouncedImages, areCertain: Bool) async throws
    /// Whether a blob is there already, and can be referred to from `repository`.
    func has(_ blob: Descriptor, in repository: String) async throws -> Bool
    /// Whether a manifest is there already, with all that it refers to.
    func has(manifest: Digest, in repository: String) async throws -> Bool
    /// The digest that a name has at the moment; nil if it is free.
    func digest(of name: ImageName) async throws -> Digest?
    /// Called on a worker.
    func writer(for target: BlobTarget) throws -> any BlobWriter
    /// Puts a manifest whose blobs and children are there.
    func put(_ manifest: Manifest, in repository: String) async throws
    /// Names a manifest that is there. A name without a tag keeps it by its digest.
    func tag(_ descriptor: Descriptor, as name: ImageName) async throws
    func finish() async throws
    func abandon() async
}

extension ImageDestination {
    /// Whether a blob of one repository can be referred to from every other one.
    package var sharesBlobs: Bool { !(self is any MountsBlobs) }

    /// Whether something can still be written after a failure.
    var takesMore: Bool { (self as? any ReplacesFile)?.isIntact ?? true }

    /// Puts a manifest if it is not there, then names it.
    ///
    /// - Returns: whether it was not there, as far as the destination has looked.
    package func put(_ manifest: Manifest, as name: ImageName) async throws -> Bool {
        if let place = self as? any NamesWhilePutting, let isNew = try await place.putNamed(manifest, as: name) {
            return isNew
        }
        let isNew = try await putIfAbsent(manifest, in: name.repository)
        try await tag(manifest.descriptor, as: name)
        return isNew
    }

    /// - Returns: whether it was not there.
    func putIfAbsent(_ manifest: Manifest, in repository: String) async throws -> Bool {
        if try await has(manifest: manifest.digest, in: repository) { return false }
        try await put(manifest, in: repository)
        return true
    }
}
