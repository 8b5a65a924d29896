import Foundation
import Testing

/// The folders of a target do not depend on each other in circles. Files beside the folders count as one folder.
struct FolderCycleTests {
    /// A file without its comments.
    private struct File {
        let folder: String
        let text: String

        init(_ path: String, in target: URL) throws {
            folder = path.contains("/") ? String(path.prefix { $0 != "/" }) : "."
            text = try String(contentsOf: target.appending(path: path), encoding: .utf8)
                .replacing(/\/\/.*/, with: "")
        }

        /// Types and functions that it declares for the whole target.
        var declared: [String] {
            text.matches(
                of:
                    /(?m)^(?:@\w+ )?(?:(?:public|package|final|indirect) )*(?:class|struct|enum|protocol|actor|typealias|func) (\w+)/
            ).map { String($0.1) }
        }
    }

    @Test(arguments: ImportDirectionTests.allowed.keys.sorted())
    func foldersHaveAnOrder(_ target: String) throws {
        let directory = ImportDirectionTests.sources.appending(path: target)
        let paths = try #require(FileManager.default.enumerator(atPath: directory.path)?.allObjects as? [String])
        let files = try paths.filter { $0.hasSuffix(".swift") }.map { try File($0, in: directory) }
        try #require(!files.isEmpty)
        var homes: [String: Set<String>] = [:]
        for file in files { for name in file.declared { homes[name, default: []].insert(file.folder) } }
        var needs: [String: Set<String>] = [:]
        for file in files {
            needs[file.folder, default: []].formUnion([])
            for word in Set(file.text.matches(of: /\w+/).map { String($0.0) }) {
                // What several folders declare is private to each.
                guard let home = homes[word], home.count == 1, let other = home.first, other != file.folder else {
                    continue
                }
                needs[file.folder, default: []].insert(other)
            }
        }
        // Whatever needs nothing of the others goes first; what is left goes in circles.
        while let free = needs.first(where: { $0.value.isEmpty })?.key {
            needs[free] = nil
            for folder in needs.keys { needs[folder]?.remove(free) }
        }
        #expect(needs.isEmpty, "\(needs)")
    }
}
