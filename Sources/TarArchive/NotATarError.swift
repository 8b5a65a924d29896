package import ByteStreams

/// Data that was read as a tar and has not a single member.
package struct NotATarError: Error, CustomStringConvertible {
    /// The archive's name, for messages.
    package let name: String
    /// The first bytes, without the outer compression.
    package let start: [UInt8]
    /// Whether `start` is all there is.
    package let isWhole: Bool
    /// The outer compression.
    package let compression: CompressionFormat

    /// Bytes that tell formats apart: the mark of an ISO image comes last.
    package static let startLength = 33 << 10

    package var description: String { "\(name): not a tar archive, plain or compressed" }
}
