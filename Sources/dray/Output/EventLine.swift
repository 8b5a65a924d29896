import ImageTransfer

/// What happens, as a line of JSON on standard error: `--progress json`.
struct EventLine: Encodable {
    private var event: String
    private var image: CopyReceipt.Image?
    private var failure: CopyReceipt.Failure?
    private var images: Int?
    private var bytesPlanned: Int64?
    private var disk: CopyReport.Disk?

    init(_ event: TransferEvent) {
        switch event {
        case .plan(let images, let bytes, let disk):
            self.event = "plan"
            self.images = images
            bytesPlanned = bytes
            self.disk = disk
        case .image(let image):
            self.event = "image"
            self.image = CopyReceipt.Image(image)
        case .failure(let failure):
            self.event = "failure"
            self.failure = CopyReceipt.Failure(failure)
        }
    }
}
