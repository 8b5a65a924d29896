import ByteStreams
import Glibc

/// A registry written in Go that seems to serve a store: it knows nothing of dray's locks, and caches deleted blobs.
///
/// Any user may run a program that looks like one. Those of root, of this process's user and of the store's owner are
/// looked at, and of them only files, as far as that takes no time.
struct ServingRegistry {
    /// Processes of this machine that are such a registry and whose configuration names the root.
    static func processes(serving root: String) -> [Int] {
        let wanted = [root, try? realPath(root)].compactMap { $0 }.map {
            String($0.reversed().drop { $0 == "/" }.reversed())
        }
        guard let table = try? DirectoryHandle.open("/proc", reach: .anywhere),
            let names = try? table.entries().map(\.name)
        else {
            return []
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        // Such files have no size before they are read.
        func content(_ path: String) -> [UInt8] {
            guard (try? table.status(path)?.isFile) == true else { return [] }
            return (try? table.read(path, into: buffer) { Array($0) }) ?? []
        }
        let users = Set([0, geteuid(), owner(of: root)].compactMap { $0 })
        return names.compactMap(Int.init).filter { number in
            guard let user = owner(of: "/proc/\(number)"), users.contains(user) else { return false }
            let bytes = content("\(number)/cmdline")
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let program = words.first.map(lastComponent),
                ["registry", "docker-registry", "distribution"].contains(program), words.contains("serve"),
                isGoProgram(number)
            else { return false }
            var texts = [content("\(number)/environ")]
            for word in words.dropFirst() where word != "serve" && !word.hasPrefix("-") {
                texts.append(content(word.hasPrefix("/") ? "\(number)/root\(word)" : "\(number)/cwd/\(word)"))
            }
            return texts.contains { text in
                let text = String(decoding: text, as: UTF8.self)
                return wanted.contains { Self.names($0, in: text) }
            }
        }.sorted()
    }

    /// Whether a process runs a program that the Go compiler made; dray, too, may be called `registry`. A program that may
    /// not be read is taken for one. Source: Go's debug/buildinfo.
    private static func isGoProgram(_ process: Int) -> Bool {
        let path = "/proc/\(process)/exe"
        guard let opened = (try? openIfThere(path, 0, "open", path)) ?? nil,
            let program = try? OpenFile(taking: opened, path: path)
        else { return true }
        let source = FileSource(program, offset: 0, length: min(program.size, Self.programLimit))
        let mark: [UInt8] = [0xff] + Array(" Go buildinf:".utf8)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try? source.fill(buffer), count > 0 {
            // The compiler puts the mark at a multiple of 16 bytes.
            for offset in stride(from: 0, through: count - mark.count, by: 16)
            where buffer[offset] == mark[0] && buffer[offset..<offset + mark.count].elementsEqual(mark) {
                return true
            }
        }
        return false
    }

    /// Bytes of a program that are looked at. The mark stands before them in all that are known.
    private static let programLimit: Int64 = 128 << 20

    private static func owner(of path: String) -> uid_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    /// Whether a path stands in a text, and not only as the beginning of another.
    private static func names(_ path: String, in text: String) -> Bool {
        guard !path.isEmpty else { return false }
        return text.ranges(of: path).contains { range in
            guard range.upperBound < text.endIndex else { return true }
            let next = text[range.upperBound]
            return !(next.isLetter || next.isNumber || "._-".contains(next))
        }
    }
}
