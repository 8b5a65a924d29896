import ByteStreams
import ImageLayouts

extension ImageReference {
    /// Whether it is a path on this machine, and nothing is there.
    package var isMissing: Bool {
        get throws {
            guard transport != .registry, !isStandardStream, !isBucket else { return false }
            return try fileKind(location) == nil && !isSetOfVolumes
        }
    }

    /// Whether it is the name of a set whose volumes have names of their own.
    private var isSetOfVolumes: Bool {
        get throws { try transport == .ociArchive && !VolumeNames.files(at: location).isEmpty }
    }

    /// Whether what is written there goes to standard output, under whatever name.
    package var isStandardOutput: Bool {
        isStandardStream || (isArchive && ByteStreams.isStandardOutput(location))
    }

    package var isArchive: Bool { transport == .dockerArchive || transport == .ociArchive }

    /// Names are understood by DestinationNaming, in the terms of the destination; here it is only seen that they can be.
    ///
    /// - Throws: `ImageError`.
    func checkName() throws {
        guard let name else { return }
        let isTagAlone = transport != .store && !name.contains("/") && !name.contains(":")
        guard isTagAlone ? ImageName.isTag(name) : ImageName(name) != nil else {
            throw ImageError.usage(
                isTagAlone
                    ? "\(self): '\(name)' is no valid tag"
                    : "\(self): '\(name)' is no valid image name: REPOSITORY[:TAG] in lower case")
        }
    }

    /// Whether both lead to the same file or directory.
    package func isSamePlace(as other: ImageReference) throws -> Bool {
        if transport == .registry || other.transport == .registry || isBucket || other.isBucket {
            return transport == other.transport && location == other.location
        }
        guard !isStandardStream, !other.isStandardStream else { return false }
        if location == other.location { return true }
        guard let here = try realPath(location) else { return false }
        return try here == realPath(other.location)
    }
}

extension ImageReference.Transport {
    /// Whether images in it can be named and deleted where they are.
    package var isEditable: Bool { self == .oci || self == .store || self == .directory || self == .registry }
}
