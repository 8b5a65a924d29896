public import ByteStreams

/// Data that was read as a tar and has not a single member.
public struct NotATarError: Error, CustomStringConvertible {
    /// The archive's name, for messages.
    public let name: String
    /// The first bytes, without the outer compression.
    public let start: [UInt8]
    /// Whether `start` is all there is.
    public let isWhole: Bool
    /// The outer compression.
    public let compression: CompressionFormat

    /// Bytes that tell formats apart: the mark of an ISO image comes last.
    package static let startLength = 33 << 10

    public var description: String { "\(name): not a tar archive, plain or compressed" }
}
