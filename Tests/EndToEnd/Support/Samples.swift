import Foundation
import Testing

/// Images that the project makes itself.
enum Samples {
    static let isLong = ProcessInfo.processInfo.environment["DRAY_TESTS_LONG"] != nil

    /// A `docker save` tarball of three raw layers.
    static func archive(
        _ scratch: Scratch, name: String = "app.tar", image: String = "sample/app:1.0", mebibytes: Int = 3
    ) throws -> String {
        let path = scratch[name]
        let made = try Command.script("samples/tools/make-image", [path, "--size", "\(mebibytes)", "--name", image])
        try #require(made.status == 0, "\(made.errors)")
        return path
    }

    /// A store of two repositories that share layers, and a layout with the same images.
    static func places(_ scratch: Scratch) throws -> (store: String, layout: String) {
        let archive = try archive(scratch)
        let other = try Samples.archive(scratch, name: "other.tar", image: "other/tool:2", mebibytes: 1)
        try Command.succeed("copy", archive, other, "store:\(scratch["root"])")
        try Command.succeed("copy", "store:\(scratch["root"])", "oci:\(scratch["layout"])")
        return (scratch["root"], scratch["layout"])
    }
}
