/// What the command line does, in a line each.
extension Dray {
    // MARK: Copying

    /// Copies everything that the sources name: all images, all platforms, signatures and other referrers, byte for byte.
    ///
    /// - Parameters:
    ///   - sources: references; a directory of archives is each archive in it.
    ///   - destination: a reference.
    /// - Returns: what became of each image; with `keepGoing`, also what failed.
    public func copy(
        _ sources: String..., to destination: String, _ options: CopyOptions = CopyOptions()
    ) async throws -> CopyReport {
        let target = try references.read(destination, isWritten: true)
        return try await opened(sources, options).report(options) {
            try await Copier(options: options).copy($0, to: try await self.destination(target))
        }
    }

    private func opened(_ sources: [String], _ options: CopyOptions) async throws -> OpenedSources {
        var named = NamedSources(references)
        for source in sources { try named.add(source) }
        _ = try named.expand()
        return try await OpenedSources(named, in: self, keepGoing: options.keepGoing, Progress())
    }

    // MARK: Looking

    /// The images that a reference means: what `dray ls` lists.
    public func images(in reference: String) async throws -> [ListedImage] {
        let reference = try references.read(reference)
        let source = try await source(reference)
        let images = try await source.listing(named: reference.name, digest: reference.digest).readable()
        let summaries = try await source.summaries(of: images)
        return images.map { ListedImage($0, summaries[$0.descriptor.digest]) }
    }

    /// All about one image: what `dray inspect` shows.
    ///
    /// - Parameter platforms: those that are wanted; empty for all.
    public func image(_ reference: String, platforms: [Platform] = []) async throws -> Inspection {
        let reference = try references.read(reference)
        let source = try await source(reference)
        let image = try await source.image(named: reference.name, digest: reference.digest)
        return try await Inspection(of: image, in: source, platforms: platforms)
    }

    /// Reads every blob once, and compares it with its digest and size.
    ///
    /// - Parameter target: a reference, or the directory of a backup.
    public func verify(_ target: String, _ options: VerifyOptions = VerifyOptions()) async throws -> VerifyReport {
        let subject = try VerifiedSubject(target, references)
        return try await Verifier(options: options).verify(
            try await verifiedPlace(subject), named: subject.name, digest: subject.digest)
    }

    // MARK: Changing

    /// Gives an image a tag in its repository.
    ///
    /// - Returns: its digest.
    @discardableResult
    public func tag(_ reference: String, as tag: String) async throws -> Digest {
        let reference = try references.read(reference)
        let editor = try await editor(reference)
        let image = try await editor.image(named: reference.name, digest: reference.digest)
        try await editor.tag(image, as: tag)
        return image.descriptor.digest
    }

    /// Deletes from a registry's storage what no image needs.
    ///
    /// - Parameter root: the storage's directory, or `s3://BUCKET/PREFIX`.
    public func collectGarbage(
        in root: String, _ options: CollectionOptions = CollectionOptions()
    ) async throws -> CollectionReport {
        try await collectedStore(root).collect(options)
    }

    // MARK: Backups

    /// Puts everything that the sources name into a new snapshot.
    ///
    /// - Parameter directory: of the backup; made if it is absent.
    /// - Returns: what became of each image, and the snapshot; nil for a dry run.
    public func backUp(
        _ sources: String..., to directory: String, _ options: CopyOptions = CopyOptions()
    ) async throws -> (report: CopyReport, snapshot: Snapshot?) {
        let opened = try await opened(sources, options)
        let destination = try await Backup(path: directory).newSnapshot(of: sources, dryRun: options.dryRun)
        destination.leaveOut(opened.failures)
        let report = try await opened.report(options) { try await Copier(options: options).copy($0, to: destination) }
        return (report, destination.snapshot)
    }

    /// The snapshots of a backup, oldest first.
    public func snapshots(in directory: String) async throws -> [Snapshot] {
        try await Backup(path: directory).snapshots()
    }

    /// Copies all of a snapshot back.
    ///
    /// - Parameters:
    ///   - directory: of the backup.
    ///   - snapshot: its ID, or a date; nil for the newest.
    ///   - destination: a reference.
    ///   - options: every digest stays what it is.
    public func restore(
        _ directory: String, snapshot: String? = nil, to destination: String, _ options: CopyOptions = CopyOptions()
    ) async throws -> CopyReport {
        let target = try references.read(destination, isWritten: true)
        let backup = Backup(path: directory)
        let source = try await backup.source(of: try await backup.snapshot(snapshot, for: target.description))
        var options = options
        options.strict = true
        options.compression = .keep
        return try await Copier(options: options).copy(
            [CopySelection(source: source)], to: try await self.destination(target))
    }
}
