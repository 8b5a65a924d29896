import ImageModel

/// One image on its way through a copy: planned, then looked up at the destination, then moved.
struct ImageJob {
    enum Decision {
        /// The destination has it: as that.
        indirect case there(Descriptor)
        case move
    }

    let plan: ImagePlan
    /// One for each of the plan's blobs.
    let decisions: [Decision]
    /// Of what is to be moved, what can be had from nowhere.
    var missing: [MissingBlob] = []
    /// What its name means there already, if that is all of it: nothing is left to do.
    var whole: Descriptor?

    /// The image's tag at the destination, before the copy.
    enum Tag {
        case unknown
        case free
        case names(Digest)
    }

    var tag = Tag.unknown

    /// What is reported of it, as far as that is known before anything is moved.
    func entry(_ outcome: CopyReport.Image.Outcome) -> CopyReport.Image {
        var entry = plan.entry
        entry.outcome = outcome
        if outcome == .skipped { note(tag: &entry) }
        return entry
    }

    /// Notes what becomes of the tag.
    func note(tag entry: inout CopyReport.Image) {
        switch tag {
        case .unknown: break
        case .free: entry.isNewTag = true
        case .names(let digest) where digest != entry.descriptor.digest: entry.replacedDigest = digest
        case .names: break
        }
    }

    var blobs: Zip2Sequence<[BlobJob], [Decision]> { zip(plan.blobs, decisions) }

    /// What is to be moved, as far as it can be had.
    var wanted: [BlobJob] {
        let lacking = Set(missing.map(\.blob.digest))
        return blobs.compactMap { blob, decision in
            if case .move = decision, !lacking.contains(blob.blob.digest) { blob } else { nil }
        }
    }

    /// What the image is going to be, as far as that can be known beforehand.
    struct Forecast {
        var manifests: [Manifest]
        var root: Descriptor
        /// nil: it is exactly that.
        var estimate: CopyReport.Image.Estimate?
    }

    /// What will be written, as far as that is known before it is.
    func announced() throws -> AnnouncedImage {
        let forecast = try forecast()
        return AnnouncedImage(
            name: plan.name, manifests: forecast.manifests, root: forecast.root,
            unloadableConfig: plan.unloadableConfig)
    }

    func forecast() throws -> Forecast {
        var results: [Digest: Descriptor] = [:]
        var estimates: Set<CopyReport.Image.Estimate> = []
        for (blob, decision) in blobs {
            switch decision {
            case .there(let descriptor): results[blob.blob.digest] = descriptor
            case .move:
                results[blob.blob.digest] = blob.guess
                if let estimate = blob.estimate { estimates.insert(estimate) }
            }
        }
        let manifests = try plan.manifests(with: results)
        return Forecast(
            manifests: manifests, root: plan.root(of: manifests),
            estimate: estimates.contains(.about) ? .about : estimates.first)
    }
}

/// A blob that is missing everywhere, and why the source lacks it.
struct MissingBlob {
    let blob: Descriptor
    let absence: BlobAbsence
}
