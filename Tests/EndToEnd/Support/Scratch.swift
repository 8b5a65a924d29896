import Foundation

/// A directory for one test, gone afterwards.
final class Scratch: Sendable {
    let path: String

    init() throws {
        // Short: podman refuses long directories.
        path = FileManager.default.temporaryDirectory.appending(path: "dray-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) throws {
        let url = URL(filePath: self[name])
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    /// Files below a directory, without dray's own.
    func files(below name: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: self[name])?.allObjects as? [String] ?? []
        return all.filter { file in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(self[name])/\(file)", isDirectory: &isDirectory)
            return !isDirectory.boolValue
        }.sorted()
    }
}

/// Archives and layouts that other tools wrote.
enum Fixtures {
    static let path = Command.package.deletingLastPathComponent().appending(path: "shared/fixtures").path
    static let arePresent = FileManager.default.fileExists(atPath: path)

    /// Everything that holds images, as references.
    static var references: [String] {
        let kinds = [("docker-archive", "docker-archive"), ("oci-archive", "oci-archive"), ("oci-layout", "oci")]
        return kinds.flatMap { folder, transport in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
                .map { "\(transport):\(path)/\(folder)/\($0)" }
        } + ["docker-archive:\(path)/broken/no_manifest.tar", "store:\(path)/registry-store-artifacts.tar.gz"]
    }
}
