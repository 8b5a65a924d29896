import ImageModel
import TarArchive

/// Text where an archive was expected: answers of servers, pointers, binary data that a shell has spoilt.
struct ForeignText {
    /// Without a byte order mark, and cut off after some kilobytes.
    private let text: String
    /// Whether that is all of it.
    private let isWhole: Bool
    private let encoding: Encoding

    private enum Encoding {
        case utf8
        /// UTF-8 that a text encoder made of binary data.
        case spoilt
        case utf16
    }

    /// Bytes that are looked at.
    private static let limit = 16 << 10

    /// - Returns: nil for what is no text.
    init?(_ start: [UInt8], isWhole: Bool) {
        self.isWhole = isWhole && start.count <= Self.limit
        let start = start.prefix(Self.limit)
        if let text = Self.utf16(start) {
            self.text = text
            encoding = .utf16
        } else if Self.isSpoilt(start) {
            text = ""
            encoding = .spoilt
        } else {
            let bytes = start.starts(with: Self.mark) ? start.dropFirst(Self.mark.count) : start
            guard let text = Self.utf8(bytes, isWhole: self.isWhole) else { return nil }
            self.text = text
            encoding = .utf8
        }
    }

    // MARK: Encodings

    /// Text in UTF-8, whose last character may be cut off where more follows; or in another encoding, if most of it is
    /// ASCII.
    private static func utf8(_ bytes: ArraySlice<UInt8>, isWhole: Bool) -> String? {
        guard bytes.allSatisfy({ $0 >= 32 && $0 != 127 || [9, 10, 12, 13, 27].contains($0) }) else { return nil }
        for cut in 0...(isWhole ? 0 : 3) {
            if let text = String(validating: bytes.dropLast(cut), as: UTF8.self) { return text }
        }
        return 4 * bytes.count { $0 < 0x80 } > 3 * bytes.count ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static let mark: [UInt8] = [0xef, 0xbb, 0xbf]

    /// Whether it is gzip, zstd or xz with every byte replaced that is not ASCII, or a tar after a byte order mark.
    private static func isSpoilt(_ start: ArraySlice<UInt8>) -> Bool {
        let body = start.starts(with: mark) ? start.dropFirst(mark.count) : start
        let gone: [UInt8] = [0xef, 0xbf, 0xbd]
        let starts = [[0x1f] + gone + [0x08], [0x28] + gone + [0x2f] + gone, gone + Array("7zXZ".utf8)]
        return starts.contains { body.starts(with: $0) } || TarFormat.isHeader(body)
    }

    /// Text in UTF-16: with a byte order mark, or where every other byte of it is zero, or begins like a compressed file.
    private static func utf16(_ bytes: ArraySlice<UInt8>) -> String? {
        func units(_ bytes: ArraySlice<UInt8>, bigEndian: Bool) -> [UInt16] {
            stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map { position in
                let (first, second) = (UInt16(bytes[position]), UInt16(bytes[position + 1]))
                return bigEndian ? first << 8 | second : second << 8 | first
            }
        }
        guard bytes.count >= 2 else { return nil }
        for (mark, bigEndian) in [([0xff, 0xfe], false), ([0xfe, 0xff], true)] as [([UInt8], Bool)]
        where bytes.starts(with: mark) {
            return String(decoding: units(bytes.dropFirst(2), bigEndian: bigEndian), as: UTF16.self)
        }
        for bigEndian in [false, true] {
            let units = units(bytes.prefix(1024), bigEndian: bigEndian)
            let letters = units.count { (9...126).contains($0) }
            let isText = units.count >= 8 && letters >= 8 && units.allSatisfy { $0 < 0x80 }
            let isGzip = units.count >= 8 && units[0] == 0x1f && units[1] >= 0x80 && units[2] == 8
            let isZstd =
                units.count >= 8 && units[0] == 0x28 && units[1] >= 0x80 && units[2] == 0x2f && units[3] >= 0x80
            if isText || isGzip || isZstd { return String(decoding: units, as: UTF16.self) }
        }
        return nil
    }

    // MARK: Kinds

    var content: ForeignFile {
        switch encoding {
        case .utf16:
            if let found = markup ?? json ?? answer {
                return ForeignFile(kind: "\(found.kind), saved in UTF-16", advice: found.advice)
            }
            return ForeignFile(
                kind: "text in UTF-16, as '>' of Windows PowerShell makes of binary data",
                advice: "save the image anew, without '>': docker save -o FILE IMAGE")
        case .spoilt:
            return ForeignFile(
                kind: "binary data that was written as text, as '>' of PowerShell does",
                advice: "save the image anew, without '>': docker save -o FILE IMAGE")
        case .utf8: return pointer ?? markup ?? json ?? answer ?? encoded ?? plain
        }
    }

    private var trimmed: Substring { text.drop(while: \.isWhitespace) }

    private var firstLine: String {
        let line = trimmed.prefix { !$0.isNewline }
        return line.count > 60 ? line.prefix(60) + "..." : String(line)
    }

    /// Files in place of others that are kept elsewhere.
    private var pointer: ForeignFile? {
        if text.hasPrefix("version https://git-lfs.github.com/") || text.hasPrefix("version https://hawser.github.com/")
        {
            return ForeignFile(
                kind: "a pointer of Git LFS, in place of the file",
                advice: "fetch the file itself: git lfs install && git lfs pull")
        }
        if trimmed.hasPrefix("/annex/objects/") || text.contains(".git/annex/objects/") && isWhole {
            return ForeignFile(
                kind: "a pointer of git-annex, in place of the file", advice: "fetch the file itself: git annex get")
        }
        return nil
    }

    private var markup: ForeignFile? {
        guard trimmed.hasPrefix("<") else { return nil }
        let page = trimmed.prefix(8 << 10).lowercased()
        let tags = [
            "<html", "<!doctype html", "<head", "<body", "<title", "<script", "<meta", "<h1", "<h2", "<div", "<p>",
            "<br",
            "<center", "<form",
        ]
        guard tags.contains(where: page.contains) else {
            let code = element("Code", "code").map { ": \($0)" } ?? ""
            return ForeignFile(
                kind: "an XML document, such as a server's error answer\(code)", advice: ForeignFile.fetchAnew)
        }
        let isLogin = ["password", "log in", "login", "sign in", "signin"].contains { page.contains($0) }
        return ForeignFile(
            kind: isLogin
                ? "an HTML page that asks to log in" : "an HTML page, such as a server's error page",
            advice: isLogin
                ? "fetch it again with credentials, or in the browser that is logged in" : ForeignFile.fetchAnew)
    }

    /// The text of an element of XML.
    private func element(_ names: String...) -> String? {
        for name in names {
            guard let start = text.firstRange(of: "<\(name)>"),
                let end = text[start.upperBound...].firstRange(of: "</\(name)>")
            else { continue }
            return String(text[start.upperBound..<end.lowerBound].prefix(60))
        }
        return nil
    }

    private var json: ForeignFile? {
        guard let first = trimmed.first, "{[".contains(first) else { return nil }
        let value = isWhole ? try? Document.value(from: Array(text.utf8), name: "") : nil
        let object = value?.object ?? [:]
        if let words = JSONErrorAnswer.words(object) {
            return ForeignFile(
                kind: "a server's error answer in JSON: \(words)", advice: ForeignFile.fetchAnew)
        }
        let isManifest = text.contains("\"schemaVersion\"") || text.contains("\"mediaType\"")
        guard value != nil || isManifest || text.contains("\":") else { return nil }
        return ForeignFile(
            kind: isManifest
                ? "an image's manifest or index alone, in JSON" : "a JSON document, such as a server's answer",
            advice: isManifest
                ? "copy the image from where its layers are, such as docker://HOST/REPOSITORY:TAG"
                : ForeignFile.fetchAnew)
    }

    private var answer: ForeignFile? {
        guard text.hasPrefix("HTTP/") else { return nil }
        return ForeignFile(
            kind: "a server's answer with its headers: \(firstLine)", advice: ForeignFile.fetchAnew)
    }

    /// Base64 of gzip, or of a tar that begins with a well-known name.
    private var encoded: ForeignFile? {
        guard
            ["H4sI", "KLUv/", "/Td6WF", "QlpoO", "bWFuaWZlc3QuanNvb", "b2NpLWxheW91d", "YmxvYnMv"].contains(
                where: text.hasPrefix)
        else { return nil }
        return ForeignFile(kind: "base64 text", advice: "decode it first: base64 -d FILE > image.tar")
    }

    private var plain: ForeignFile {
        text.hasPrefix("#!")
            ? ForeignFile(kind: "a script", advice: ForeignFile.saveAnew)
            : ForeignFile(kind: "plain text", advice: "expected a tar, plain or compressed")
    }
}

/// The error answers of registries (`{"errors": [{"code": …, "message": …}]}`), of Docker's engine and of other servers.
enum JSONErrorAnswer {
    static func words(_ object: [String: JSONValue]) -> String? {
        if case .array(let errors)? = object["errors"], let first = errors.first {
            return text(first.object ?? [:]) ?? first.string ?? "errors"
        }
        if let inner = object["error"]?.object { return text(inner) ?? "error" }
        if let words = object["error"]?.string ?? object["error_description"]?.string { return words }
        return object["message"] == nil ? nil : text(object)
    }

    private static func text(_ error: [String: JSONValue]) -> String? {
        let parts = ["code", "message"].compactMap { error[$0]?.string }.filter { !$0.isEmpty }
        return parts.isEmpty ? nil : String(parts.joined(separator: ", ").prefix(120))
    }
}
