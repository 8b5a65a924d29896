package import ByteStreams
package import FileTrees
import ImageModel

/// Files of which one input tells, so that a fuzzer can change all that an archive or a directory says.
///
/// ```
/// === blobs/sha256/#=
/// {"some": "config"}
/// === index.json
/// {"manifests": [{"digest": "sha256:#0", "size": #s0}]}
/// ```
/// `#0` to `#9` is the SHA-256 of an earlier file, counted from 0, and `#s0` its size; `#=` in a path is the file's own.
/// A line's end before the next file is not part of the one before.
package final class TreeOfSections: FileTree {
    private struct File {
        var path: String
        var bytes: [UInt8]
    }

    private let files: [File]
    package let title = "an archive"
    package let path = "archive.tar"

    package init(_ input: [UInt8]) {
        var files: [File] = []
        var hashes: [String] = []
        let mark = Array("=== ".utf8)
        var sections: [(path: ArraySlice<UInt8>, lines: [ArraySlice<UInt8>])] = []
        for line in input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.starts(with: mark) {
                sections.append((line.dropFirst(mark.count), []))
            } else if !sections.isEmpty {
                sections[sections.count - 1].lines.append(line)
            }
        }
        for section in sections {
            let content = Array(section.lines.joined(separator: [UInt8(ascii: "\n")]))
            let bytes = Self.filled(content[...], files, hashes, own: nil)
            let own = Digest(of: bytes).hex
            let path = Self.filled(section.path, files, hashes, own: own)
            files.append(File(path: String(decoding: path, as: UTF8.self), bytes: bytes))
            hashes.append(own)
        }
        self.files = files
    }

    private static func filled(
        _ text: ArraySlice<UInt8>, _ files: [File], _ hashes: [String], own: String?
    ) -> [UInt8] {
        var result: [UInt8] = []
        var rest = text
        func number(_ byte: UInt8?) -> Int? {
            guard let byte, (48...57).contains(byte), Int(byte) - 48 < files.count else { return nil }
            return Int(byte) - 48
        }
        while let byte = rest.popFirst() {
            let next = rest.first
            if byte == UInt8(ascii: "#"), let file = number(next) {
                rest.removeFirst()
                result += hashes[file].utf8
            } else if byte == UInt8(ascii: "#"), next == UInt8(ascii: "="), let own {
                rest.removeFirst()
                result += own.utf8
            } else if byte == UInt8(ascii: "#"), next == UInt8(ascii: "s"), let file = number(rest.dropFirst().first) {
                rest.removeFirst(2)
                result += String(files[file].bytes.count).utf8
            } else {
                result.append(byte)
            }
        }
        return result
    }

    func bytes(at path: String) -> [UInt8]? { files.last { $0.path == path }?.bytes }

    package func size(of path: String) -> Int64? { bytes(at: path).map { Int64($0.count) } }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try open(path)?.readAll(limit: limit, name: "\(title): \(path)")
    }

    package func open(_ path: String) -> (any ByteSource)? { bytes(at: path).map { BytesSource($0) } }

    package func list(_ path: String) -> [String]? {
        let prefix = path.isEmpty ? "" : path + "/"
        var names: Set<String> = []
        for file in files where file.path.hasPrefix(prefix) {
            if let name = file.path.dropFirst(prefix.count).split(separator: "/").first { names.insert(String(name)) }
        }
        return names.isEmpty && !path.isEmpty ? nil : names.sorted()
    }

    package func resolved(_ path: String) -> String? { size(of: path) != nil || list(path) != nil ? path : nil }

    package func facts(of path: String) throws -> FileFacts? { try open(path).map { try FileFacts(reading: $0) } }

    package func stamp(of path: String) -> String? { nil }
}
