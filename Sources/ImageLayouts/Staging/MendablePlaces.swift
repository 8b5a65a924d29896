import ByteStreams
public import ImageModel
public import ImageTransfer

extension Store: MendablePlace {
    /// A link, while nobody collects garbage.
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            try StoreLock.using(self.path) {
                if let target, try !touch(self.path(ofBlob: target)) {
                    throw TransferError.notFound("\(title) has no \(target) for \(path) to lead to")
                }
                try area().write(bytes, to: "\(self.path)/\(path)")
            }
        }
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}

extension OCILayout: MendablePlace {
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let lock = try DirectoryLock.waiting(.exclusive, on: self.path)
            defer { withExtendedLifetime(lock) {} }
            try area().write(bytes, to: "\(self.path)/\(path)")
        }
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}

extension ImageDirectory: MendablePlace {
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in try area().write(bytes, to: "\(self.path)/\(path)") }
    }

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
}
