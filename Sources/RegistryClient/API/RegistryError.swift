import ImageModel

/// A registry's refusal, or what kept it from answering.
public struct RegistryError: Error, Equatable, CustomStringConvertible {
    /// Scheme, host and port.
    public var registry: String
    public var repository: String?
    /// What was asked, as the end of "cannot …".
    public var action: String
    /// nil if there was no answer.
    public var status: Int?
    /// The registry's own words, or what broke.
    public var problem: String
    /// What to do.
    public var advice: String?

    init(
        registry: String, repository: String? = nil, action: String, status: Int?, problem: String,
        advice: String? = nil
    ) {
        self.registry = registry
        self.repository = repository
        self.action = action
        self.status = status
        self.problem = problem
        self.advice = advice
    }

    public var isUnauthorised: Bool { status == 401 || status == 403 }

    public var description: String {
        let place = registry + (repository.map { ", repository \($0)" } ?? "")
        let answer = [status.map { "it answered \($0)" }, problem.isEmpty ? nil : problem].compactMap { $0 }
        return "\(place): cannot \(action): \(answer.joined(separator: ", "))" + (advice.map { " (\($0))" } ?? "")
    }
}

/// The body of a registry's refusal. Source: OCI distribution-spec, "Error Codes".
package struct RegistryProblem: Sendable {
    /// Bytes.
    package static let sizeLimit = 64 << 10
    /// In order; `UNAUTHORIZED` and the like.
    package private(set) var codes: [String] = []
    /// All of it, with whatever secrets the registry repeats.
    package var text = ""

    private struct Body: Decodable {
        struct Item: Decodable {
            var code: String?
            var message: String?
        }
        var errors: [Item]?
        var message: String?
        var details: String?
    }

    init() {}

    init(_ answer: HTTPAnswer) {
        guard let bytes = try? answer.bytes(limit: Self.sizeLimit, name: "the answer"), !bytes.isEmpty else {
            self.init()
            return
        }
        self.init(bytes, isHTML: answer.contentType?.contains("html") == true)
    }

    package init(_ bytes: [UInt8], isHTML: Bool) {
        if let body = try? Document.decode(Body.self, from: bytes, name: "the answer") {
            codes = body.errors?.compactMap(\.code) ?? []
            let words = body.errors?.map { item in
                [item.code, item.message].compactMap { $0 }.joined(separator: ": ")
            }
            text = (words ?? [body.message ?? body.details].compactMap { $0 }).joined(separator: "; ")
        } else if !isHTML {
            text = String(decoding: bytes, as: UTF8.self)
        }
    }

    /// For a message: one line, not long. What must not be seen has to be out already: half of it would be
    /// known no more.
    package static func short(_ text: String) -> String {
        var text = String(text.map { $0.isNewline ? " " : $0 }.prefix(500)).filter { $0 != "\u{0}" }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
