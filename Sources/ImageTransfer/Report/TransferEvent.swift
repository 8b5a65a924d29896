/// What happens in a transfer, as it happens.
package enum TransferEvent: Sendable {
    /// What is to be done is known: images that are not there yet, and bytes of sources to be read for them.
    case plan(images: Int, bytes: Int64, disk: CopyReport.Disk?)
    /// An image is done: copied, skipped, or there already.
    case image(CopyReport.Image)
    case failure(CopyReport.Failure)
}
