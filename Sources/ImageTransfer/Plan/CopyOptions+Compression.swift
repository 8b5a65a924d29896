import ImageModel

extension CopyOptions {
    /// What becomes of layers between these two when nobody says.
    func compression(from source: any ImageSource, to destination: any ImageDestination) -> CompressionChoice {
        if let compression { return compression }
        return destination.traits.keepsRawLayers ? .keep : source.defaultCompression
    }
}
