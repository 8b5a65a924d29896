import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// A destination in memory that differs from `MemoryPlace` in one or two answers.
final class FaultyPlace: MemoryPlace, ChoosesManifestFormat, OccupiesDisk, ReplacesFile, @unchecked Sendable {
    /// The answers that differ; by default, none do.
    struct Behaviour: Sendable {
        /// Families of manifests that `put` refuses.
        var refusedFormats: Set<ManifestFormat> = []
        /// Whether that is known before `put` is called.
        var knowsRefusals = false
        var present: PresentImages?
        var freeSpace: Int64?
        var writeObstacle: String?
        var existingFile: String?
        var isIntact = true
        /// Gives the error that a writer throws once all bytes of its blob are there; `number` counts writers from 0.
        var loss: @Sendable (_ target: BlobTarget, _ number: Int) -> (any Error)? = { _, _ in nil }
        /// The error of every look at a tag.
        var tagError: ImageError?
        /// Called with each piece that is written.
        var onWrite: @Sendable () -> Void = {}
    }

    private let behaviour: Behaviour
    private let seenTargets = Mutex<[BlobTarget]>([])
    private let leftOut = Mutex<[String]>([])
    private let openCount = Mutex(0)

    init(
        _ title: String, traits: DestinationTraits = DestinationTraits(), layerMemory: LayerMemory? = nil,
        _ change: (inout Behaviour) -> Void = { _ in }
    ) {
        var behaviour = Behaviour()
        change(&behaviour)
        self.behaviour = behaviour
        super.init(title, traits: traits, requestedName: nil, layerMemory: layerMemory, refuse: { _ in })
    }

    /// The targets that a writer was made for.
    var targets: [BlobTarget] { seenTargets.withLock(\.self) }
    /// The names of the failures that the place was told.
    var failures: [String] { leftOut.withLock(\.self) }

    /// Writers that were neither committed nor cancelled.
    var openWriters: Int { openCount.withLock(\.self) }

    var isIntact: Bool { behaviour.isIntact }
    func refuses(_ format: ManifestFormat) -> Bool {
        behaviour.knowsRefusals && behaviour.refusedFormats.contains(format)
    }
    override func digest(of name: ImageName) async throws -> Digest? {
        if let error = behaviour.tagError { throw error }
        return try await super.digest(of: name)
    }
    override func leaveOut(_ failures: [CopyReport.Failure]) {
        leftOut.withLock { $0 += failures.map { $0.name ?? $0.source } }
    }
    func existingFile(mayReplace: Bool) async throws -> String? { behaviour.existingFile }
    override func present(in repository: String, tags: [String]) async throws -> PresentImages? { behaviour.present }
    func freeSpace() async throws -> Int64? { behaviour.freeSpace }
    func writeObstacle() async throws -> String? { behaviour.writeObstacle }

    override func writer(for target: BlobTarget) throws -> any BlobWriter {
        let number = seenTargets.withLock { targets in
            targets.append(target)
            return targets.count - 1
        }
        let base = try super.writer(for: target)
        openCount.withLock { $0 += 1 }
        return Writer(base, of: self, behaviour.loss(target, number))
    }

    /// Passes bytes on, and may lose them at the end.
    private final class Writer: BlobWriter {
        private let base: any BlobWriter
        private let place: FaultyPlace
        private let loss: (any Error)?
        private var isOpen = true

        init(_ base: any BlobWriter, of place: FaultyPlace, _ loss: (any Error)?) {
            self.base = base
            self.place = place
            self.loss = loss
        }

        private func close() {
            if isOpen { place.openCount.withLock { $0 -= 1 } }
            isOpen = false
        }

        func write(_ bytes: UnsafeRawBufferPointer) throws {
            place.behaviour.onWrite()
            try base.write(bytes)
        }
        func flush() throws {
            try base.flush()
            if let loss { throw loss }
        }
        func commit(_ digest: Digest) throws {
            close()
            try base.commit(digest)
        }
        func cancel() {
            close()
            base.cancel()
        }
        func written() throws -> any ByteSource { try base.written() }
    }

    override func put(_ manifest: Manifest, in repository: String) async throws {
        if let format = manifest.mediaType.manifestFormat, behaviour.refusedFormats.contains(format) {
            throw ManifestFormatRefused(format: format, reason: ImageError.refused("\(title): manifest invalid"))
        }
        try await super.put(manifest, in: repository)
    }
}
