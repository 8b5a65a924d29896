import ImageModel
import Synchronization

/// What tags name at the destination before the copy. Each is looked up once.
final class DestinationTags: Sendable {
    private let destination: any ImageDestination
    /// nil: the tag is free.
    private let known = Mutex<[ImageName: Digest?]>([:])

    init(of destination: any ImageDestination) { self.destination = destination }

    func digest(of name: ImageName) async throws -> Digest? {
        if let digest = known.withLock({ $0[name] }) { return digest }
        let digest = try await destination.digest(of: name)
        known.withLock { _ = $0.updateValue(digest, forKey: name) }
        return digest
    }
}

/// What all stages of one copy share.
struct CopyContext: Sendable {
    let options: CopyOptions
    let progress: Progress
    let remarks: Remarks
    let destination: any ImageDestination
    let tags: DestinationTags
    /// nil where layers of the destination cannot be reused.
    let layerMemory: LayerMemory?

    init(_ options: CopyOptions, _ progress: Progress, to destination: any ImageDestination) {
        self.options = options
        self.progress = progress
        remarks = Remarks(progress)
        self.destination = destination
        tags = DestinationTags(of: destination)
        layerMemory = (destination as? any ReusesLayers)?.layerMemory
    }

    func goesOn(after error: any Error) -> Bool {
        options.keepGoing && !(error is CancellationError) && destination.takesMore
    }

    /// Notes that an image failed, or stops for it.
    func note(_ error: any Error, of image: ImagePlan, in report: inout CopyReport) throws {
        guard !(error is CancellationError) else { throw error }
        let failure = image.failure(error)
        progress.tell(.failure(failure))
        guard goesOn(after: error) else { throw error }
        report.failures.append(failure)
    }
}

extension ImagePlan {
    func failure(_ error: any Error) -> CopyReport.Failure {
        CopyReport.Failure(
            source: source.retryReference(to: image), name: name.description, digest: root.digest, rule: rule,
            error: error)
    }
}

extension CopyOptions {
    /// What becomes of layers between these two when nobody says.
    func compression(from source: any ImageSource, to destination: any ImageDestination) -> CompressionChoice {
        if let compression { return compression }
        return destination.traits.keepsRawLayers ? .keep : source.defaultCompression
    }
}
