public import ByteStreams
import FileTrees
import ImageLayouts
public import ImageModel
import ImageTransfer
public import ImageVerification
import RegistryStore

extension ImageReference {
    /// What is there on this machine, to be verified.
    ///
    /// - Throws: `TransferError.notFound` if nothing is.
    public func verifiedPlace(inflation: InflationLimit = .standard) throws -> any VerifiedPlace {
        guard let place = try source(inflation: inflation) as? any VerifiedPlace else {
            throw TransferError.refused("\(self) cannot be verified")
        }
        return place
    }

    /// The place in which what is damaged is to be put right.
    ///
    /// - Parameter keepsReplaced: whether what is replaced goes into `.dray/quarantine`.
    /// - Throws: `TransferError.refused` for archives.
    public func mendablePlace(keepsReplaced: Bool) throws -> any MendablePlace {
        guard try !isStandardStream && fileKind(location) == .directory, transport.isEditable else {
            throw TransferError.refused(
                "\(location) is an archive, which is not changed where it is: dray copy --keep-going \(self) oci:DIR, "
                    + "dray copy SOURCE oci:DIR for what failed, and dray copy oci:DIR to a new archive")
        }
        let shared = transport == .oci ? OCIPaths.blobs : nil
        let quarantine = keepsReplaced ? try Quarantine(DirectoryHandle.make(location, shared: shared)) : nil
        switch transport {
        case .oci: return OCILayout(path: location, name: nil, quarantine: quarantine)
        case .store: return Store(path: location, name: nil, servesOthers: false, quarantine: quarantine)
        case .directory: return ImageDirectory(path: location, name: nil, quarantine: quarantine)
        case .dockerArchive, .ociArchive, .registry:
            throw TransferError.refused("\(self) cannot be mended as a directory")
        }
    }
}
