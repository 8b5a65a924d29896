public import ByteStreams
import FileTrees
import Glibc
public import ImageLayouts
public import ImageModel
public import ImageTransfer
import RegistryStore

extension ImageReference {
    /// Reads a reference as it is given on a command line, looking at what is on disk.
    ///
    /// - Parameter isWritten: whether the place may have to be made.
    public init(_ text: String, isWritten: Bool = false, inflation: InflationLimit = .standard) throws {
        try self.init(
            text, isWritten: isWritten, exists: Self.isPath,
            recognise: { path in
                if isWritten { try Self.refuseEmptyDirectory(path) }
                return try Self.recognise(path, inflation)
            })
    }

    /// A directory that was made for the images does not say what it is to be.
    private static func refuseEmptyDirectory(_ path: String) throws {
        guard try fileKind(path) == .directory, try listDirectory(path)?.isEmpty == true else { return }
        throw ReferenceError(
            "'\(path)': an empty directory; write store:\(path) (a registry's storage) or oci:\(path)")
    }

    /// Whether it is a path on this machine, and nothing is there.
    public var isMissing: Bool {
        get throws {
            guard transport != .registry, !isStandardStream else { return false }
            return try fileKind(location) == nil && !isSetOfVolumes
        }
    }

    /// Whether a text is the path of something that is there.
    private static func isPath(_ text: String) throws -> Bool {
        do {
            return try fileKind(text) != nil
        } catch StreamError.io(_, _, let code) where code == ENAMETOOLONG || code == ELOOP {
            return false
        }
    }

    /// The transport for what lies at a path.
    ///
    /// - Throws: `TransferError.foreign` for what holds no images, `TransferError.damaged`, `StreamError`.
    static func recognise(_ path: String, _ inflation: InflationLimit) throws -> Transport {
        let tree = try openTreeToRecognise(path, .ofImages(inflation))
        let isDirectory = tree is DirectoryTree
        if try isStore(tree) { return .store }
        func transport(isCertain: Bool) throws -> Transport? {
            try ImageForm(of: tree, isCertain: isCertain)?.transport(isDirectory: isDirectory)
        }
        if let transport = try transport(isCertain: true) { return transport }
        if isDirectory {
            let archives = try archives(in: path)
            if !archives.isEmpty { return VolumeNames.isSet(archives) ? .ociArchive : .dockerArchive }
        }
        if let transport = try transport(isCertain: false) { return transport }
        throw try ForeignMembers.error(of: tree)
    }

    private static func isStore(_ tree: any FileTree) throws -> Bool {
        do {
            return try StoreSource(tree).pathsIfThere() != nil
        } catch let error as StreamError where !error.isAboutContent {
            throw error
        } catch {
            return false
        }
    }

    private var notLocal: ReferenceError { ReferenceError("\(self) is a registry, not a place on this machine") }

    /// What is there on this machine, to be read. A registry is opened by RegistryClient.
    ///
    /// - Throws: `TransferError.notFound` if nothing is.
    public func source(inflation: InflationLimit = .standard) throws -> any ImageSource {
        guard transport != .registry else { throw notLocal }
        guard try !isMissing else {
            throw TransferError.notFound("\(location): no such file or directory")
        }
        guard try !isDirectoryOfArchives else {
            throw ReferenceError("\(location): a directory of archives; name one of them")
        }
        switch transport {
        case .dockerArchive: return try DockerArchive(path: location, limit: inflation)
        case .oci, .ociArchive: return try OCISource(path: location, limit: inflation)
        case .store: return try StoreSource(path: location, limit: inflation)
        case .directory:
            guard !isStandardStream else { throw ReferenceError("\(self): a dir: is a directory, and - is a stream") }
            guard try fileKind(location) == .directory else {
                let transport = try Self.recognise(location, inflation)
                throw TransferError.foreign(
                    ForeignContent(
                        location, kind: "a file, where dir: is a directory",
                        advice: "name it as such: \(transport.prefix)\(location)", isReadable: true))
            }
            return ImageDirectory(path: location, name: name)
        case .registry: throw notLocal
        }
    }

    /// Whether it is the name of a set whose volumes have names of their own.
    private var isSetOfVolumes: Bool {
        get throws { try transport == .ociArchive && !VolumeNames.files(at: location).isEmpty }
    }

    /// Whether what is written there goes to standard output, under whatever name.
    public var isStandardOutput: Bool {
        isStandardStream || (isArchive && ByteStreams.isStandardOutput(location))
    }

    var isArchive: Bool { transport == .dockerArchive || transport == .ociArchive }

    /// Names are understood by Naming, in the terms of the destination; here it is only seen that they can be.
    private func checkName() throws {
        guard let name else { return }
        let isTagAlone = transport != .store && !name.contains("/") && !name.contains(":")
        guard isTagAlone ? ImageName.isTag(name) : ImageName(name) != nil else {
            throw ReferenceError(
                isTagAlone
                    ? "\(self): '\(name)' is no valid tag"
                    : "\(self): '\(name)' is no valid image name: REPOSITORY[:TAG] in lower case")
        }
    }

    /// The place to write to.
    ///
    /// - Parameter packing: of an `oci-archive:`.
    /// - Throws: `ReferenceError` for what cannot be written.
    public func destination(packing: ArchivePacking? = nil) throws -> any ImageDestination {
        guard digest == nil else {
            throw ReferenceError("\(self): a destination has no digest; that is what comes out")
        }
        try checkName()
        guard packing == nil || transport == .ociArchive else {
            throw ReferenceError("\(self): deltas, volumes and signatures are for an oci-archive:, which this is not")
        }
        let kind = isStandardStream ? .other : try fileKind(location)
        if transport != .registry, !isArchive, kind != nil, kind != .directory {
            let what = isStandardStream ? "a stream" : kind == .file ? "a file" : "no directory"
            throw ReferenceError("\(self) is \(what), and \(transport.rawValue): is written into a directory")
        }
        if isArchive, kind == .directory {
            throw ReferenceError("\(self) is a directory, and \(transport.rawValue): writes a file: name one in it")
        }
        switch transport {
        case .dockerArchive: return ArchiveDestination(.docker, path: location, name: name)
        case .ociArchive: return ArchiveDestination(.oci, path: location, name: name, packing: packing)
        case .oci: return OCILayout(path: location, name: name)
        case .store: return Store(path: location, name: name)
        case .directory: return ImageDirectory(path: location, name: name)
        case .registry: throw notLocal
        }
    }

    /// The place whose names are to be changed.
    ///
    /// - Throws: `TransferError.refused` for archives.
    public func editor() throws -> any ImageEditor {
        guard try fileKind(location) != nil else {
            throw TransferError.notFound("\(location): no such file or directory")
        }
        if try fileKind(location) == .directory {
            switch transport {
            case .oci: return OCILayout(path: location)
            case .store: return Store(path: location)
            case .directory: return ImageDirectory(path: location)
            case .dockerArchive, .ociArchive, .registry: break
            }
        }
        throw TransferError.refused(
            "\(location) is an archive, which is not changed where it is: "
                + "dray copy \(self) oci:DIR, change that, and copy it to a new archive")
    }

    /// Whether both lead to the same file or directory.
    public func isSamePlace(as other: ImageReference) throws -> Bool {
        if transport == .registry || other.transport == .registry {
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
    public var isEditable: Bool { self == .oci || self == .store || self == .directory || self == .registry }
}
