import ByteStreams
import Foundation
import Testing

/// Locks on directories, and who may take them.
struct DirectoryLockTests {
    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    private func place(_ mode: Int) throws -> (workplace: Workplace, root: DirectoryHandle) {
        let workplace = try Workplace()
        try FileManager.default.createDirectory(atPath: workplace["place"], withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: workplace["place"])
        return (workplace, try #require(try DirectoryHandle.open(workplace["place"])))
    }

    @Test(arguments: [(0o755, 0o700), (0o775, 0o770), (0o777, 0o777), (0o750, 0o700), (0o2775, 0o2770)])
    func whoMayNotWriteMayNotRead(_ of: Int, _ expected: Int) throws {
        let (workplace, root) = try place(of)
        let path = workplace["place/.dray/lock"]
        try root.makePrivateDirectory(".dray/lock")
        #expect(try mode(path) == expected)
        // As an earlier version made it.
        try FileManager.default.setAttributes([.posixPermissions: of], ofItemAtPath: path)
        try root.makePrivateDirectory(".dray/lock")
        #expect(try mode(path) == expected)
    }

    @Test func aWaitEnds() throws {
        let (workplace, root) = try place(0o755)
        let held = try DirectoryLock.waiting(.shared, in: root)
        let start = ContinuousClock.now
        #expect {
            _ = try DirectoryLock.waiting(.exclusive, in: root, patience: .milliseconds(300))
        } throws: {
            "\($0)".contains("is locked by another process")
        }
        #expect(ContinuousClock.now - start >= .milliseconds(300))
        // Others share it.
        _ = try DirectoryLock.waiting(.shared, in: root, patience: .zero)
        withExtendedLifetime((held, workplace)) {}
    }
}
