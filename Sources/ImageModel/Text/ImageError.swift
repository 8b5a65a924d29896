/// The error that dray throws: what went wrong, and the next step.
///
/// Other error types never leave the part that throws them; where they hold something that a caller has to know, they
/// are the `cause`.
public struct ImageError: Error, Sendable, CustomStringConvertible {
    /// The kind of the problem. It decides the command's exit status.
    public enum Code: Hashable, Sendable {
        /// Bytes that are not what their digest, size, descriptor or format says.
        case damaged
        /// Something larger, longer or deeper than dray accepts.
        case limit
        /// JSON, or another document, that cannot be understood.
        case invalidDocument
        /// A file or directory that holds no images.
        case foreign
        /// A missing image, blob, tag or repository.
        case notFound
        /// An image that is whole, but not for the requested platforms.
        case otherPlatform
        /// Credentials that are missing or wrong, or lack a permission.
        case unauthorised
        /// Arguments, a reference or a configuration that cannot be understood.
        case usage
        /// A combination that is impossible, or that was to be refused.
        case refused
        /// A service that does not answer, or not as its protocol says.
        case service
        /// The operating system's refusal, with its error number.
        case system(Int32)

        var isAboutContent: Bool {
            switch self {
            case .damaged, .limit, .invalidDocument: true
            default: false
            }
        }
    }

    public var code: Code
    /// `THING: PROBLEM`; may also hold the next step.
    public var message: String { text ?? cause.map { "\($0)" } ?? "" }
    /// The next step, where the message does not hold it.
    public var hint: String?
    /// Details for the caller, or the error that led to this one.
    public var cause: (any Error)?
    private var text: String?

    public init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.hint = hint
        self.cause = cause
        text = message
    }

    /// - Parameter cause: its description is the message.
    public init(_ code: Code, cause: some Error & CustomStringConvertible, hint: String? = nil) {
        self.code = code
        self.hint = hint
        self.cause = cause
    }

    /// Whether the bytes that were read are wrong, rather than the disk, the network or the request.
    public var isAboutContent: Bool { code.isAboutContent }

    public var description: String { hint.map { "\(message); \($0)" } ?? message }

    /// The operating system's error number, where that refused something.
    public var errno: Int32? { if case .system(let number) = code { number } else { nil } }
}

extension ImageError: Equatable {
    public static func == (one: ImageError, other: ImageError) -> Bool {
        one.code == other.code && one.description == other.description
    }
}

extension ImageError {
    package static func damaged(_ message: String) -> ImageError { ImageError(.damaged, message) }
    package static func limit(_ message: String) -> ImageError { ImageError(.limit, message) }
    package static func invalidDocument(_ message: String) -> ImageError { ImageError(.invalidDocument, message) }
    package static func notFound(_ message: String) -> ImageError { ImageError(.notFound, message) }
    package static func otherPlatform(_ message: String) -> ImageError { ImageError(.otherPlatform, message) }
    package static func refused(_ message: String) -> ImageError { ImageError(.refused, message) }
    package static func usage(_ message: String) -> ImageError { ImageError(.usage, message) }

    /// Everything that is wrong with a configuration.
    ///
    /// - Parameter mistakes: at least one; `FILE:LINE: KEY: PROBLEM: NEXT STEP`, with the variable's name for `FILE:LINE`
    ///   where an environment variable is wrong. They hold no secrets.
    package static func configuration(_ mistakes: [String]) -> ImageError {
        ImageError(.usage, mistakes.joined(separator: "\n"))
    }

    /// The description; that of a configuration has a line for each mistake.
    package var lines: [String] {
        code == .usage ? description.split(separator: "\n").map(String.init) : [description]
    }
}
