import TarArchive
import Testing

import ByteStreams
import ImageModel

struct TarMembersTests {
    private func members(_ entries: [(String, TarEntry.Kind)]) -> TarMembers {
        var builder = TarMembers.Builder()
        for (path, kind) in entries { builder.add(TarEntry(path: path, kind: kind, size: 1, dataOffset: 0)) }
        return builder.build(name: "it")
    }

    @Test func listsWhatLiesDirectlyBelow() throws {
        let members = members([
            ("a", .directory), ("a/x/1", .file), ("a/x/2", .file), ("a/x-y", .file), ("a-b", .file), ("a/x.z/3", .file),
            ("b", .file),
        ])
        #expect(try members.list("") == ["a", "a-b", "b"])
        #expect(try members.list("a") == ["x", "x-y", "x.z"])
        #expect(try members.list("a/x") == ["1", "2"])
        #expect(try members.list("c") == nil)
        #expect(try self.members([]).list("") == [])
    }

    @Test func linksOfDirectoriesAreFollowed() throws {
        let members = members([
            ("real/in/layer.tar", .file), ("one", .symbolicLink("real")), ("two", .symbolicLink("./one/in")),
            ("deep/down", .symbolicLink("../two")), ("top", .symbolicLink(".")),
            ("file", .hardLink("one/in/layer.tar")),
        ])
        for path in ["one/in/layer.tar", "two/layer.tar", "deep/down/layer.tar", "top/top/two/layer.tar", "file"] {
            #expect(try members.file(at: path)?.path == "real/in/layer.tar", "\(path)")
        }
        #expect(try members.list("deep/down") == ["layer.tar"])
        #expect(try members.file(at: "none/of/these") == nil)
    }

    /// A slash and the mark after it are one character to Swift, and not to anyone who follows the path.
    @Test func slashesAreSlashesWhateverFollows() {
        let mark = "\u{301}"
        for path in ["/\(mark)a", "../\(mark)a", "a/\(mark)b/../c", "a/..", "/", ".."] {
            #expect(TarPath.normalised(path) == nil, "\(path)")
        }
        for (path, normal) in [
            ("./a//b/", "a/b"), ("a/\(mark)b/./c", "a/\(mark)b/c"), ("a/b", "a/b"), (".", ""), ("", ""),
            ("a/..b", "a/..b"),
        ] { #expect(TarPath.normalised(path) == normal) }
        #expect(parent(of: "/a/\(mark)b") == "/a" && lastComponent(of: "/a/\(mark)b") == "\(mark)b")
    }

    @Test func linksEndSomewhereInTheArchive() {
        let members = members([
            ("grows", .symbolicLink("grows/more")), ("a", .symbolicLink("b")), ("b", .symbolicLink("a")),
            ("out", .symbolicLink("../x")), ("root", .symbolicLink("/etc")), ("gone", .symbolicLink("nothing")),
        ])
        for path in ["grows/x", "a", "b/x", "out/x", "root/passwd", "gone", "gone/x"] {
            #expect(throws: ImageError.self, "\(path)") { try members.file(at: path) }
        }
    }

    @Test func theLastMemberOfAPathCounts() throws {
        var builder = TarMembers.Builder()
        let sizes: [(String, TarEntry.Kind, Int64)] =
            (0..<5).map { ("a", .file, $0) } + [("b", .file, 1), ("b", .directory, 0)] + (0..<5).map { ("", .file, $0) }
        for (position, (path, kind, size)) in sizes.enumerated() {
            builder.add(TarEntry(path: path, kind: kind, size: size, dataOffset: Int64(position + 1) * 512))
        }
        let members = builder.build(name: "it")
        #expect(try members.file(at: "a")?.size == 4)
        #expect(try members.file(at: "")?.size == 4)
        #expect(try members.file(at: "b") == nil)
        #expect(try members.list("") == ["a", "b"])
    }

    @Test func whereLinksLeadIsKnown() throws {
        let members = members([("real/x", .file), ("one", .symbolicLink("real")), ("two", .symbolicLink("one"))])
        #expect(try members.resolved("two/x") == "real/x" && members.resolved("real/x") == "real/x")
        #expect(try members.resolved("gone") == "gone")
    }
}
