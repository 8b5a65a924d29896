import Foundation
import Testing

/// `Sources/README.md` tells the way of one blob: in files that are there, and not too many.
struct ArchitecturePageTests {
    private static let page = ImportDirectionTests.sources.appending(path: "README.md")

    @Test func everyFileOfTheWayIsThere() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let steps = text.matches(of: /(?m)^(\d+)\. .*$/)
        #expect((10...20).contains(steps.count) && steps.map(\.1) == (1...steps.count).map { "\($0)" })
        let files = text.matches(of: /`([\w+\/]+\.swift)`/).map { String($0.1) }
        #expect(files.count >= steps.count)
        for file in files {
            let path = ImportDirectionTests.sources.appending(path: file).path
            #expect(FileManager.default.fileExists(atPath: path), "\(file)")
        }
    }

    @Test(arguments: ImportDirectionTests.allowed.keys.sorted()) func everyTargetIsOnTheMap(_ target: String) throws {
        #expect(try String(contentsOf: Self.page, encoding: .utf8).contains("`\(target)`"))
    }
}
