/// Files that are written at once, or not at all.
package enum WholeFile {
    /// - Parameter path: a link is followed, if it is trusted; a pipe or a terminal is written to.
    /// - Throws: `ImageError.io`.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let place = try FilePlace(path, followingLinks: true)
        if try fileKind(path) == .other {
            try DescriptorSink(writing: place).write(bytes)
        } else {
            let file = try StagedFile(beside: place)
            try file.write(bytes)
            try file.commit()
        }
    }
}
