import Foundation
import Testing

/// What a new operator types who knows docker, skopeo, crane or restic, and what dray says and does then.
///
/// Each row runs in a directory of its own:
/// ```
/// app.tar, other.tar    `docker save` of sample/app:1.0 and of other/tool:2
/// store, layout         a registry's storage and an OCI layout with both
/// ```
struct FirstUseTests {
    struct Row: CustomTestStringConvertible, Sendable {
        /// For bash; `dray` is the built binary.
        var command: String
        var status: Int32
        /// Texts that standard output or standard error has.
        var says: [String]
        /// Texts that neither has.
        var saysNot: [String]
        /// Whether `$REGISTRY` is the address of a `dray serve` with a copy of `store`; nil without one.
        var registry: Server.Settings?

        init(
            _ command: String, _ status: Int32 = 0, _ says: String..., not saysNot: [String] = [],
            registry: Server.Settings? = nil
        ) {
            self.command = command
            self.status = status
            self.says = says
            self.saysNot = saysNot
            self.registry = registry
        }

        var testDescription: String { command }
    }

    private static let template = Result { () throws -> Scratch in
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, mebibytes: 1)
        _ = try Samples.archive(scratch, name: "other.tar", image: "other/tool:2", mebibytes: 1)
        for place in ["store:\(scratch["store"])", "oci:\(scratch["layout"])"] {
            try Command.succeed("copy", scratch["app.tar"], scratch["other.tar"], place)
        }
        return scratch
    }

    func check(_ row: Row) throws {
        let scratch = try Scratch()
        try Command.shell("cp -a \(Self.template.get().path)/. .", in: scratch.path)
        let server = try row.registry.map { settings in
            try Command.shell("cp -a store served", in: scratch.path)
            return try Server(settings, in: scratch, root: scratch["served"])
        }
        let run = try Command.shell(
            "dray() { \"$DRAY\" \"$@\"; }; export HOME=$PWD/home; REGISTRY=\(server?.address ?? "")\n\(row.command)",
            in: scratch.path)
        let told = run.text + run.errors
        #expect(run.status == row.status, "\(told)")
        for text in row.says { #expect(told.contains(text), "'\(text)' is missing: \(told)") }
        for text in row.saysNot { #expect(!told.contains(text), "'\(text)' is there: \(told)") }
    }
}
