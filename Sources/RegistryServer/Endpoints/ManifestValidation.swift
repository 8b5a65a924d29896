package import ImageModel

/// What a manifest has to be before it is taken.
package struct ManifestValidation: Sendable {
    private let configuration: ServerConfiguration.Validation

    package init(_ configuration: ServerConfiguration.Validation) { self.configuration = configuration }

    private struct Header: Decodable {
        var schemaVersion: Int?
        var mediaType: MediaType?
    }

    /// Reads a manifest that is pushed.
    ///
    /// - Throws: `APIError` with what is wrong.
    package func manifest(_ bytes: [UInt8], contentType: String?, digest: Digest?) throws -> Manifest {
        func invalid(_ text: String) -> APIError { APIError(.manifestInvalid, text) }
        guard let given = contentType?.split(separator: ";").first else { throw invalid("there is no Content-Type") }
        let type = MediaType(String(given.filter { $0 != " " }))
        guard type.isManifest else { throw invalid("\(type) is no media type of a manifest") }
        guard !type.isSchema1 else {
            throw invalid("schema1 manifests are served, but no longer taken: push schema2 or OCI")
        }
        let manifest: Manifest
        do {
            let header = try Document.decode(Header.self, from: bytes, name: "the manifest")
            guard header.schemaVersion == 2 || type == .ociArtifactManifest else {
                throw invalid("its schemaVersion is not 2")
            }
            guard header.mediaType == nil || header.mediaType == type else {
                throw invalid("its mediaType is \(header.mediaType?.rawValue ?? ""), the Content-Type is \(type)")
            }
            manifest = try Manifest(
                bytes, mediaType: type, algorithm: digest?.algorithm ?? .sha256, name: "the manifest")
        } catch let error as ImageError {
            throw invalid(error.description)
        }
        return manifest
    }

    /// The blobs and manifests that have to be there, of all that a manifest refers to.
    ///
    /// The bytes of a foreign layer may stay elsewhere, as the OCI specification has it. Where the configuration
    /// restricts URLs, the original's rules hold: every URL has to be allowed, and a foreign layer without any URL has
    /// to be there (OCI) or is refused (schema2).
    ///
    /// - Throws: `APIError` if it refers to something that is not allowed.
    package func references(of manifest: Manifest) throws -> Set<Digest> {
        guard !configuration.isDisabled else { return [] }
        var required: Set<Digest> = []
        for blob in manifest.blobs {
            let urls = blob.urls ?? []
            let isForeign = blob.mediaType.isForeignLayer
            let isOrdinaryOCI = manifest.mediaType.manifestFormat == .oci && blob.mediaType.layerCompression != nil
            if configuration.restrictsURLs, isForeign || isOrdinaryOCI {
                for url in urls where !configuration.allows(layerURL: url) {
                    throw APIError(
                        .manifestInvalid,
                        "\(blob.digest): the URL \(url) is not allowed; see validation.manifests.urls of the registry")
                }
                if urls.isEmpty, blob.mediaType == .dockerForeignLayer {
                    throw APIError(.manifestInvalid, "\(blob.digest): foreign layer without a URL; add an allowed URL")
                }
            }
            if isForeign, !configuration.restrictsURLs || !urls.isEmpty { continue }
            required.insert(blob.digest)
        }
        for child in manifest.children where isRequired(child) { required.insert(child.digest) }
        return required
    }

    private func isRequired(_ child: Descriptor) -> Bool {
        switch configuration.indexPlatforms {
        case .all: true
        case .none: false
        case .list(let platforms):
            platforms.contains { $0.architecture == child.platform?.architecture && $0.os == child.platform?.os }
        }
    }
}
