import ImageModel
import Testing

struct DocumentTests {
    @Test func encodingIsDeterministicAndPlain() throws {
        let value = JSONValue.object(["b": .string("a/b"), "a": .array([.integer(1), .null, .bool(true)])])
        for _ in 0..<10 {
            #expect(try String(decoding: Document.encode(value), as: UTF8.self) == #"{"a":[1,null,true],"b":"a/b"}"#)
        }
    }

    @Test func limitsAreKept() {
        let deep = Array((String(repeating: "[", count: 65) + String(repeating: "]", count: 65)).utf8)
        #expect(throws: ImageError.self) { try Document.value(from: deep, name: "x") }
        let large = [UInt8](repeating: 32, count: 11)
        #expect(throws: ImageError.self) { try Document.value(from: large, name: "x", sizeLimit: 10) }
        let quoted = Array(("\"" + String(repeating: "[", count: 100) + "\"").utf8)
        #expect(throws: Never.self) { try Document.value(from: quoted, name: "x") }
        // In UTF-16, `\u{2200}` has a byte like a quote: what follows it would not be counted.
        let hidden = ("[\"\u{2200}\"," + String(repeating: "[", count: 100) + String(repeating: "]", count: 101)).utf16
        let wide = hidden.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        #expect(throws: ImageError.invalidDocument("x is no JSON in UTF-8")) {
            try Document.decode([String].self, from: wide, name: "x")
        }
    }

    @Test(
        arguments: [
            ("[1,-2.5e+1,9223372036854775807]", .array([.integer(1), .number(-25), .integer(.max)])),
            (#" {"a":{},"b":[ ],"c":null} "#, .object(["a": .object([:]), "b": .array([]), "c": .null])),
            (#""\u00e9\ud83d\ude00\n\/\"""#, .string("\u{e9}\u{1f600}\n/\"")),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("-0", .number(-0.0)), ("true", .bool(true)),
        ] as [(String, JSONValue)])
    func valuesAreRead(_ text: String, _ expected: JSONValue) throws {
        #expect(try Document.value(from: Array(text.utf8), name: "x") == expected)
    }

    @Test(
        arguments: [
            "", "01", "+1", "1.", ".5", "1e", "1e999", "tru", "[1,]", "{\"a\"}", "{a:1}", "[1 2]", "\"a", "\"\n\"",
            #""\x""#, #""\ud83d""#, #""\udc00""#, "1 2", "\"\\u12",
        ])
    func whatIsNoJSONIsRefused(_ text: String) {
        #expect(throws: ImageError.self) { try Document.value(from: Array(text.utf8), name: "x") }
    }

    @Test func manifestsKeepTheirBytes() throws {
        let text =
            #"{ "schemaVersion":2, "unknown": 1.0, "config":{"mediaType":"x","digest":"\#(Digest(of: []))","size":0}}"#
        let manifest = try Manifest(Array(text.utf8), name: "x")
        #expect(manifest.mediaType == .ociManifest && manifest.bytes == Array(text.utf8))
        #expect(manifest.digest == Digest(of: text.utf8))
        #expect(manifest.blobs.map(\.digest) == [Digest(of: [])])
    }

    @Test func childrenThatAreNoManifestsAreBlobs() throws {
        var index = ImageIndex()
        let digest = Digest(of: [1])
        index.manifests = [
            Descriptor(mediaType: .ociManifest, digest: Digest(of: [2]), size: 1),
            Descriptor(mediaType: MediaType("application/vnd.buildkit.cacheconfig.v0"), digest: digest, size: 1),
        ]
        let manifest = try Manifest(making: index)
        #expect(manifest.children.count == 1 && manifest.blobs.map(\.digest) == [digest])
    }

    /// A schema1 manifest goes by its payload, which the signature's header points out.
    @Test func schema1GoesByItsPayload() throws {
        let body = #"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[{"blobSum":"\#(Digest(of: []))"}]"#
        // {"formatLength":N,"formatTail":"fQ"}: the payload is the body and a brace.
        let header = #"{"formatLength":\#(body.utf8.count),"formatTail":"fQ"}"#
        let signed = body + #","signatures":[{"protected":"\#(base64URL(header))"}]}"#
        let manifest = try Manifest(Array(signed.utf8), name: "x")
        #expect(manifest.mediaType == .dockerSchema1Signed)
        #expect(manifest.digest == Digest(of: (body + "}").utf8))
    }

    /// However its signatures divide it.
    @Test func schema1HasOnePayload() throws {
        let body = #"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[{"blobSum":"\#(Digest(of: []))"}]"#
        func manifest(_ second: (length: Int, tail: String)) throws -> Manifest {
            let headers = [(body.utf8.count, "}"), second].map {
                #"{"protected":"\#(base64URL(#"{"formatLength":\#($0),"formatTail":"\#(base64URL($1))"}"#))"}"#
            }
            let text = body + #","signatures":[\#(headers.joined(separator: ","))]}"#
            return try Manifest(Array(text.utf8), name: "x")
        }
        let shorter = (length: body.utf8.count - 3, tail: String(body.suffix(3)) + "}")
        #expect(try manifest(shorter).digest == Digest(of: (body + "}").utf8))
        #expect(throws: ImageError.self) { try manifest((body.utf8.count, " }")) }
        #expect(throws: ImageError.self) { try manifest((shorter.length, "}")) }
    }

    private func base64URL(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var result: [UInt8] = []
        var bits = 0
        var count = 0
        for byte in text.utf8 {
            bits = bits << 8 | Int(byte)
            count += 8
            while count >= 6 {
                count -= 6
                result.append(alphabet[bits >> count & 63])
            }
        }
        if count > 0 { result.append(alphabet[bits << (6 - count) & 63]) }
        return String(decoding: result, as: UTF8.self)
    }
}
