package import ImageModel

/// A request to a registry that was refused, or not answered. It is the cause of the `ImageError` that is thrown.
package struct RequestFailure: Error, Equatable, CustomStringConvertible {
    /// Scheme, host and port.
    package var registry: String
    package var repository: String?
    /// What was asked, as the end of "cannot …".
    package var action: String
    /// nil if there was no answer.
    package var status: Int?
    /// Scheme, host and port of the place that answered or failed, where the registry redirected to another one.
    package var redirectedTo: String?
    /// The registry's own words, or what broke.
    package var problem: String
    /// Those of the API's error codes that the answer holds: `MANIFEST_INVALID` and the like.
    var codes: Set<String> = []
    /// What to do.
    package var advice: String?
    /// Pause that the registry asked for.
    package var retryAfter: Duration?
    /// Whether user name or password are wrong, whatever was asked for.
    package var refusesAccount = false
    /// Whether the registry did not answer in time.
    package var isTimeout = false

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

    /// What is thrown.
    package var error: ImageError {
        let code: ImageError.Code =
            if isUnauthorised { .unauthorised } else if status == 404 { .notFound } else { .service }
        return ImageError(code, cause: self)
    }

    /// Whether the registry itself refuses to do it for this account.
    package var isUnauthorised: Bool { redirectedTo == nil && (status == 401 || status == 403) }

    /// Whether no answer came.
    package var isUnanswered: Bool { status == nil }

    /// Whether the registry itself refuses the request, and would do so again.
    var isRefusal: Bool { redirectedTo == nil && (400..<500).contains(status ?? 0) && status != 429 }

    /// Whether the registry does not know the session of an upload.
    var isUnknownUpload: Bool {
        redirectedTo == nil && status == 404 && !codes.isDisjoint(with: ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"])
    }

    /// Whether the registry lacks something that a manifest refers to.
    var isMissingContent: Bool {
        redirectedTo == nil && [400, 404].contains(status)
            && !codes.isDisjoint(with: ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"])
    }

    /// Whether the registry may refuse a manifest for its media type.
    var isRefusedType: Bool {
        guard redirectedTo == nil, let status else { return false }
        return status == 415
            || [400, 405, 406, 422].contains(status) && !codes.isDisjoint(with: ["MANIFEST_INVALID", "UNSUPPORTED"])
    }

    package var description: String {
        let place = registry + (repository.map { ", repository \($0)" } ?? "")
        let who = redirectedTo.map { "the redirect target \($0)" } ?? "it"
        let answer = [status.map { "\(who) answered \($0)" }, problem.isEmpty ? nil : problem].compactMap { $0 }
        return "\(place): cannot \(action): \(answer.joined(separator: ", "))" + (advice.map { " (\($0))" } ?? "")
    }
}

extension ImageError {
    /// The request to a registry that failed.
    package var request: RequestFailure? { cause as? RequestFailure }
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
            /// Only a text: other details are for programs.
            var detail: String?

            enum CodingKeys: String, CodingKey { case code, message, detail }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                code = try container.decodeIfPresent(String.self, forKey: .code)
                message = try container.decodeIfPresent(String.self, forKey: .message)
                detail = try? container.decode(String.self, forKey: .detail)
                if detail == message || detail?.isEmpty == true { detail = nil }
            }
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
                [item.code, item.message, item.detail].compactMap { $0 }.joined(separator: ": ")
            }
            text = (words ?? [body.message ?? body.details].compactMap { $0 }).joined(separator: "; ")
        } else if let storage = Self.wordsOfStorage(bytes) {
            text = storage
        } else if !isHTML {
            text = String(decoding: bytes, as: UTF8.self)
        }
    }

    /// S3 and its like answer in XML, which repeats signatures: only `<Code>` and `<Message>` are of use.
    private static func wordsOfStorage(_ bytes: [UInt8]) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        let words = ["Code", "Message"].compactMap { name -> Substring? in
            guard let start = text.firstRange(of: "<\(name)>")?.upperBound,
                let end = text[start...].firstRange(of: "</\(name)>")?.lowerBound
            else { return nil }
            return text[start..<end]
        }
        return words.isEmpty || !text.contains("<Error>") ? nil : words.joined(separator: ": ")
    }

    /// For a message: one line, not long. What must not be seen has to be out already: half of it would be
    /// known no more.
    package static func short(_ text: String) -> String {
        let line = PrintableURL.hidingSecrets(in: String(text.map { $0.isNewline ? " " : $0 }))
        var text = String(line.prefix(500)).filter { $0 != "\u{0}" }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
