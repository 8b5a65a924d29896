import ByteStreams
import Foundation
import ImageModel
import Testing

/// Root in a directory of another user, who can move there what belongs to others.
@Suite(.enabled(if: geteuid() == 0))
struct PlaceOwnerTests {
    private let work: Workplace
    private let owner: uid_t = 65534
    private let other: uid_t = 65533

    init() throws {
        work = try Workplace()
        _ = try work.directory("place", [.init("own/file"), .init("theirs/file")])
        for path in ["place", "place/own", "place/own/file"] { chown(work[path], owner, owner) }
    }

    private func place() throws -> DirectoryHandle { try #require(try DirectoryHandle.open(work["place"])) }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: work[path]) }

    /// Mode and owner of `place/theirs/file`, the mode of `place/theirs`, and whether root reads the file.
    static let files: [(file: mode_t, directory: mode_t, user: uid_t, group: gid_t, isRead: Bool)] = [
        (0o644, 0o755, 0, 0, true), (0o600, 0o755, 0, 0, false), (0o644, 0o700, 0, 0, false),
        (0o640, 0o755, 0, 65534, true), (0o640, 0o755, 0, 0, false), (0o600, 0o755, 65533, 65533, false),
        (0o660, 0o755, 65533, 65534, true), (0o000, 0o711, 65534, 0, true),
    ]

    @Test(arguments: files)
    func readsWhatTheOwnerMayRead(
        _ row: (file: mode_t, directory: mode_t, user: uid_t, group: gid_t, isRead: Bool)
    ) throws {
        chown(work["place/theirs/file"], row.user, row.group)
        chmod(work["place/theirs/file"], row.file)
        chmod(work["place/theirs"], row.directory)
        let place = try place()
        if row.isRead {
            #expect(try place.read("theirs/file", limit: 10) == [120])
        } else {
            let error = #expect(throws: ImageError.self) { try place.read("theirs/file", limit: 10) }
            #expect(error?.description.contains("chown -R 65534 \(work["place/theirs"])") == true)
        }
        #expect(try place.read("own/file", limit: 10) == [120])
    }

    @Test func namesOfAPrivateDirectoryStayPrivate() throws {
        chmod(work["place/theirs"], 0o711)
        let place = try place()
        #expect(throws: ImageError.self) { try place.list("theirs") }
        #expect(throws: ImageError.self) { try place.open("theirs") }
        #expect(try place.read("theirs/file", limit: 10) == [120])
    }

    @Test func removesWhatTheOwnerMayRemove() throws {
        _ = try work.directory("place/own", [.init("empty/"), .init("deep/theirs/file")])
        chown(work["place/own/deep"], owner, owner)
        let place = try place()
        let error = #expect(throws: ImageError.self) { try place.removeTree("own") }
        #expect(error?.description.contains("place/own/deep/theirs belongs to user 0") == true)
        #expect(isThere("place/own/deep/theirs/file"))
        // Shared with the owner's group.
        for path in ["place/own/deep/theirs", "place/own/deep/theirs/file"] { chown(work[path], other, owner) }
        chmod(work["place/own/deep/theirs"], 0o770)
        try place.removeTree("own")
        #expect(!isThere("place/own"))
    }

    @Test func aLinkIsAsTrustedAsItsDirectory() throws {
        try work.file("secret", [120])
        symlink(work["secret"], work["place/link"])
        symlink(work["secret"], work["link"])
        #expect(throws: ImageError.self) { try FilePlace(work["place/link"], followingLinks: true) }
        #expect(try FilePlace(work["link"], followingLinks: true).name == "secret")
        // The owner of a sticky directory renames what is in it all the same.
        chmod(work["place"], 0o1777)
        #expect(throws: ImageError.self) { try FilePlace(work["place/link"], followingLinks: true) }
    }
}
