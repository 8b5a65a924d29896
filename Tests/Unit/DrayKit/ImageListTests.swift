import DrayKit
import ImageModel
import ImageSync
import Testing

struct ImageListTests {
    private func read(_ text: String) throws -> [String] {
        try ImageList(text, name: "l.txt") {
            try ImageReference($0, exists: { _ in false }, recognise: { _ in nil })
        }.lines.map(\.reference.description)
    }

    @Test(
        arguments: [
            ("alpine:3.19", "docker://docker.io/library/alpine:3.19"),
            ("registry.k8s.io/pause:3.9", "docker://registry.k8s.io/pause:3.9"),
            ("docker://ghcr.io/a/b:1", "docker://ghcr.io/a/b:1"), ("oci://ghcr.io/a/b:1", "docker://ghcr.io/a/b:1"),
            ("oci:layout:1", "oci:layout:1"), ("  docker.io/a/b:1  # why", "docker://docker.io/a/b:1"),
        ])
    func aLineIsAReference(_ line: String, _ reference: String) throws {
        #expect(try read("# first\n\(line)\n") == [reference])
    }

    @Test(arguments: [
        ("https://ghcr.io/a/b:1", "docker://ghcr.io/a/b:1"), ("oci://chart", "oci://HOST"),
        ("a b", "more than one word"),
        ("UPPER/x", "UPPER"),
    ])
    func aWrongLineIsNamed(_ line: String, _ words: String) {
        let error = #expect(throws: ImageError.self) { try read("\n\(line)\n") }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("l.txt:2: ") && text.contains(words), "\(text)")
    }
}
