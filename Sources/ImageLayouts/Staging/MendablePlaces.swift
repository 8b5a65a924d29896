import ByteStreams
public import ImageModel
public import ImageTransfer

extension Store: MendablePlace {
    /// A link, while nobody collects garbage.
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            try StoreLock.using(root.made()) {
                if let target, try !touch(paths.blob(target)) {
                    throw TransferError.notFound("\(title) has no \(target) for \(path) to lead to")
                }
                try area().write(bytes, to: path)
            }
        }
    }

    public func mend(_ name: ImageName, to descriptor: Descriptor) async throws {
        guard let tag = name.tag else { return }
        try await Workers.commits.run { [self] in
            // Alone: nobody sets the tag between the look and what is written.
            let lock = try StoreLock.forSweeping(root.made())
            defer { withExtendedLifetime(lock) {} }
            guard try isBroken(tag, in: name.repository) else { return }
            try setTag(tag, descriptor.digest, in: name.repository)
        }
    }

    /// Whether a tag is there, and means nothing, or what it never meant by its history.
    private func isBroken(_ tag: String, in repository: String) throws -> Bool {
        guard let root = try root.ifThere(), try root.kind(paths.tag(tag, repository)) != nil else { return false }
        guard let digest = try? source.link(paths.currentLink(tag, repository)) else { return true }
        return try root.kind(paths.tagIndexLink(digest, tag, repository)) == nil
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}

extension OCILayout: MendablePlace {
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            let lock = try DirectoryLock.waiting(.exclusive, in: area.root)
            defer { withExtendedLifetime(lock) {} }
            if LayoutDocuments.isSound(path, in: area.root) { return }
            try area.write(bytes, to: path)
        }
    }

    public func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        try await blobs.owns(list, at: path, reading: read)
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}

extension ImageDirectory: MendablePlace {
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            // Nobody else writes from here on.
            if (try? root()) != nil { return }
            try area.write(bytes, to: path)
        }
    }

    public func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        let manifest = try Manifest(list, name: path)
        let origin = ListOrigin { [path = self.path] digest in
            try ["", ".manifest.json"].contains { try fileSize("\(path)/\(digest.hex)\($0)") != nil }
        }
        return try await origin.isHere(manifest.children + manifest.blobs, reading: read)
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}
