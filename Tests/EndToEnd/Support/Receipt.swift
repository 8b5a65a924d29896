import Foundation
import Testing

/// A receipt that was written, found right by its schema.
struct Receipt: Decodable {
    struct Image: Decodable {
        var name: String
        var source: String
        var rule: String?
        var outcome: String
        var digest: String?
        var kept: Bool
        var bytesMoved: Int64
        var bytesSkipped: Int64
        var seconds: Double
    }

    struct Failure: Decodable {
        var name: String?
        var source: String
        var rule: String?
        var message: String
    }

    struct Disk: Decodable {
        var destination: String
        var needed: Int64
        var free: Int64
    }

    var version: String
    var dryRun: Bool
    var bytesMoved: Int64
    var bytesSkipped: Int64
    var images: [Image]
    var failures: [Failure]
    var disks: [Disk]

    init(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let schema = Command.package.appending(path: "samples/receipt/receipt.schema.json").path
        let judge =
            "import json, sys, jsonschema; jsonschema.validate(*(json.load(open(path)) for path in sys.argv[1:]))"
        let verdict = try Command.run("python3", ["-c", judge, path, schema])
        #expect(verdict.status == 0, "\(verdict.errors)", sourceLocation: sourceLocation)
        self = try JSONDecoder().decode(Receipt.self, from: Data(contentsOf: URL(filePath: path)))
    }
}
