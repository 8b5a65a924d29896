import ImageModel
import Testing

/// What two readers could take for two things is refused.
struct DocumentScanTests {
    private func problem(_ bytes: [UInt8]) -> String? {
        do {
            _ = try Document.value(from: bytes, name: "it")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"x":{"a":1,"b":{"a":1},"a":3}}"#, #"{"a":1,"\u0061":2}"#, #"[{"a":"\"","a":1}]"#,
        #"{"a":[1,{"a":2}],"a":3}"#,
    ])
    func aKeyStandsOnce(_ text: String) {
        #expect(problem(Array(text.utf8)) == "it has the key 'a' twice in one object")
    }

    @Test(arguments: [
        #"{"a":1,"A":2}"#, #"[{"a":1},{"a":2}]"#, #"{"a":"a","b":["a","a"]}"#, #"{"a":{"a":{"a":"a"}}}"#,
        #"{"a\"":1,"a":2,"a\\":3}"#, #"{"":1,"a":{}}"#,
    ])
    func otherKeysMayStandBeside(_ text: String) { #expect(problem(Array(text.utf8)) == nil) }

    /// What is written in Go would find other layers than dray, and run what dray has not looked at.
    @Test(arguments: [
        ("Layers", "layers"), ("MediaType", "mediaType"), ("layerſ", "layers"), ("\\u004cayers", "layers"),
        ("ANNOTATIONS", "annotations"),
    ])
    func aMemberIsSpelledOneWay(_ key: String, _ name: String) throws {
        let hash = String(repeating: "a", count: 64)
        let descriptor = #"{"mediaType":"application/octet-stream","digest":"sha256:\#(hash)","size":1}"#
        let manifest = { (more: String) in
            try Manifest(
                Array(#"{"schemaVersion":2,"config":\#(descriptor),"layers":[\#(descriptor)]\#(more)}"#.utf8),
                mediaType: .ociManifest, name: "it")
        }
        #expect {
            _ = try manifest(#","\#(key)":[]"#)
        } throws: {
            "\($0)".hasPrefix("it has the key '") && "\($0)".hasSuffix("which some readers take for '\(name)'")
        }
        _ = try manifest(#","annotations":{"\#(key)":"x"},"x-\#(key)":1"#)
        // What follows annotations in a list is no part of them.
        #expect(throws: ImageError.self) {
            _ = try manifest(#","x":[{"annotations":null},{"\#(key)":1}]"#)
        }
    }

    @Test func itIsUTF8() {
        for text in [#"{"a":1}"#, "[]", "5"] {
            let wide = text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            #expect(problem(wide) == "it is no JSON in UTF-8")
            #expect(problem([0xFF, 0xFE] + wide) == "it is no JSON in UTF-8")
        }
    }

    @Test func bracketsInStringsAreNoDepth() {
        let brackets = String(repeating: "[{", count: 100)
        #expect(problem(Array(#"{"a":"\#(brackets)","\#(brackets)":1}"#.utf8)) == nil)
        #expect(problem(Array(String(repeating: "[", count: 65).utf8)) == "it is nested more than 64 levels deep")
    }
}
