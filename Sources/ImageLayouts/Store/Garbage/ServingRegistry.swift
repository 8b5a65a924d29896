import ByteStreams
import Glibc

/// A Go registry that seems to serve a store: it knows nothing of dray's locks, and remembers what is gone.
struct ServingRegistry {
    /// Processes of this machine whose configuration names the root.
    static func processes(serving root: String) -> [Int] {
        let wanted = [root, try? realPath(root)].compactMap { $0 }.map {
            String($0.reversed().drop { $0 == "/" }.reversed())
        }
        guard let table = try? DirectoryHandle.open("/proc"), let names = try? table.entries().map(\.name) else {
            return []
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        // Such files have no size before they are read.
        func content(_ path: String) -> [UInt8] { (try? table.read(path, into: buffer) { Array($0) }) ?? [] }
        return names.compactMap(Int.init).filter { number in
            let bytes = content("\(number)/cmdline")
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let program = words.first.map(lastComponent),
                ["registry", "docker-registry", "distribution"].contains(program), words.contains("serve")
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
