import Foundation
import ObjectStorage
import Testing

/// An S3 server of another project, from `Tests/s3-server`, for as long as this lives.
final class S3Server {
    enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case ceph, seaweedfs, swift

        var testDescription: String { rawValue }

        /// Whether writes with If-None-Match are honoured.
        var honoursIfAbsent: Bool { self != .swift }

        /// The program that `samples/tools/install s3` installs.
        private var program: String {
            switch self {
            case .ceph: "/usr/bin/radosgw"
            case .seaweedfs: "/usr/local/bin/weed"
            case .swift: "/usr/bin/swift-proxy-server"
            }
        }

        static let installed = allCases.filter { FileManager.default.fileExists(atPath: $0.program) }
    }

    let kind: Kind
    private let directory: String
    private let values: [String: String]

    init(_ kind: Kind, scratch: Scratch) throws {
        self.kind = kind
        directory = scratch["server"]
        let result = try Command.script("Tests/s3-server", [kind.rawValue, "start", directory, "0"])
        try #require(result.status == 0, "\(result.errors)")
        values = Dictionary(
            uniqueKeysWithValues: result.lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1)
                return (String(parts[0]), String(parts[1]))
            })
    }

    deinit { _ = try? Command.script("Tests/s3-server", [kind.rawValue, "stop", directory]) }

    var endpoint: String { values["endpoint"] ?? "" }
    var port: String { String(endpoint.split(separator: ":")[2]) }

    /// The variables that AWS's tools take the server and its keys from.
    private var variables: [String] {
        [
            "AWS_ENDPOINT_URL=\(endpoint)", "AWS_REGION=\(values["region"] ?? "")",
            "AWS_ACCESS_KEY_ID=\(values["access_key"] ?? "")", "AWS_SECRET_ACCESS_KEY=\(values["secret_key"] ?? "")",
            "AWS_CA_BUNDLE=",
        ]
    }

    func dray(_ arguments: String...) throws -> Command {
        try Command.run(variables[0], Array(variables.dropFirst()) + [Command.dray] + arguments)
    }

    /// - Parameter shell: a command line; `$DRAY` is the binary.
    func shell(_ shell: String) throws -> Command {
        try Command.run(variables[0], Array(variables.dropFirst()) + ["bash", "-o", "pipefail", "-c", shell])
    }

    /// Runs dray and insists that it succeeds.
    @discardableResult
    func succeed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> Command {
        try succeed(arguments, sourceLocation: sourceLocation)
    }

    @discardableResult
    func succeed(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> Command {
        let result = try Command.run(variables[0], Array(variables.dropFirst()) + [Command.dray] + arguments)
        #expect(result.status == 0, "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
        return result
    }

    /// The inside of `storage.s3`, for either registry.
    func settings(_ prefix: String, bucket: String = "images") -> String {
        "bucket: \(bucket), rootdirectory: /\(prefix), region: \(values["region"] ?? ""), regionendpoint: \"\(endpoint)\", "
            + "accesskey: \(values["access_key"] ?? ""), secretkey: \(values["secret_key"] ?? "")"
    }

    func options(_ bucket: String = "images") -> StorageOptions {
        var options = StorageOptions(bucket: bucket)
        options.endpoint = endpoint
        options.region = values["region"]
        options.keys = AccessKeys(id: values["access_key"] ?? "", secret: values["secret_key"] ?? "")
        options.environment = [:]
        options.remark = { print($0) }
        return options
    }
}

/// `Tests/scripted-bucket`, for as long as this lives.
final class ScriptedBucket {
    struct Request: Decodable {
        var method: String
        var key: String
        var query: [String: String]
        var size: Int
        var headers: [String: String]
    }

    private let helper: Helper
    let endpoint: String

    init(_ arguments: String...) throws {
        helper = try Helper("scripted-bucket", arguments)
        endpoint = "http://127.0.0.1:\(helper.port)"
    }

    var options: StorageOptions {
        var options = StorageOptions(bucket: "images")
        options.endpoint = endpoint
        options.keys = AccessKeys(id: "key", secret: "secret-of-the-test", token: "token-of-the-test")
        options.environment = [:]
        options.retry.firstPause = .milliseconds(5)
        return options
    }

    /// A bucket of it, with quick retries.
    func bucket(_ change: (inout StorageOptions) -> Void = { _ in }) throws -> Bucket {
        var options = options
        change(&options)
        return try Bucket(options)
    }

    /// Lets the next requests fail in a way that `Tests/scripted-bucket` describes.
    func fail(_ name: String, times: Int = 1, method: String? = nil) throws {
        let query = "name=\(name)&times=\(times)" + (method.map { "&method=\($0)" } ?? "")
        _ = try HTTPConversation("127.0.0.1:\(helper.port)").request("POST", "/_fault?\(query)")
    }

    /// Waits until a request has arrived, without keeping a thread from those that send it.
    func arrival(where isMeant: (Request) -> Bool = { _ in true }) async throws {
        while try !requests.contains(where: isMeant) { try await Task.sleep(for: .milliseconds(20)) }
    }

    var requests: [Request] {
        get throws {
            let answer = try HTTPConversation("127.0.0.1:\(helper.port)").request("GET", "/_requests")
            return try JSONDecoder().decode([Request].self, from: Data(answer.body))
        }
    }
}

/// Bytes that are compared, without keeping many of them.
enum Pattern {
    private static let block: [UInt8] = {
        var generator = SeededBytes(7)
        return generator.bytes(1 << 20)
    }()

    /// Bytes `range` of an endless pattern: blocks of 1 MiB that begin with their number.
    static func bytes(_ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let (number, offset) = position.quotientAndRemainder(dividingBy: block.count)
            var piece = block
            withUnsafeBytes(of: UInt64(number).littleEndian) { piece.replaceSubrange(0..<8, with: $0) }
            let count = min(block.count - offset, range.upperBound - position)
            bytes += piece[offset..<offset + count]
            position += count
        }
        return bytes
    }
}
