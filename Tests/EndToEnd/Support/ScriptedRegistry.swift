import Foundation

/// `Tests/scripted-registry`, with the faults it is told to have, for as long as this lives.
final class ScriptedRegistry {
    struct Request: Decodable {
        var method: String
        var path: String
        var authorization: String?
        var port: Int
        /// Bytes of a body that came, or of a blob that went.
        var received: Int
        /// Whether the connection was broken on purpose.
        var cut: Bool?
        /// How many asked at once when it came, itself among them; where that is looked at.
        var beside: Int
        /// Of requests for tokens.
        var body: String?
        var headers: [String: String]
    }

    let address: String
    private let helper: Helper
    private let log: String

    init(_ faults: [String], scratch: Scratch, cuts: Int = 100, seed: Int = 1) throws {
        log = scratch["registry-\(UUID().uuidString).log"]
        helper = try Helper(
            "scripted-registry",
            ["--log", log, "--seed", "\(seed)", "--cuts", "\(cuts)"] + faults.flatMap { ["--fault", $0] })
        address = "127.0.0.1:\(helper.port)"
    }

    /// Gives it other faults from now on.
    func become(_ faults: String...) throws {
        _ = try HTTPConversation(address).request("PUT", "/faults?\(faults.joined(separator: ","))")
    }

    var requestCount: Int {
        get throws { try Data(contentsOf: URL(filePath: log)).count { $0 == UInt8(ascii: "\n") } }
    }

    /// Those that were answered so far are all there.
    var requests: [Request] {
        get throws {
            _ = try HTTPConversation(address).request("GET", "/settled")
            return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map {
                try JSONDecoder().decode(Request.self, from: Data($0.utf8))
            }
        }
    }
}
