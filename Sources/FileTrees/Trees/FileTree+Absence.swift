package import ImageModel
package import ImageTransfer

extension FileTree {
    /// Whether the file that is to be a blob is missing, or has another size.
    package func absence(of blob: Descriptor, at path: String) throws -> BlobAbsence? {
        guard let size = try size(of: path) else {
            return BlobAbsence(reason: "\(title) does not hold it")
        }
        guard blob.size < 0 || size == blob.size else {
            return BlobAbsence(
                reason: "\(title) holds \(size) bytes under its name, not \(blob.size)")
        }
        return nil
    }
}
