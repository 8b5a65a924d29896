import Foundation
import Testing

/// The arrows between targets never turn back.
struct ImportDirectionTests {
    static let allowed: [String: Set<String>] = [
        "ImageModel": [],
        "ByteStreams": ["ImageModel", "CLinux", "CSHA256", "CZlib", "CISAL", "CZstd"],
        "TarArchive": ["ImageModel", "ByteStreams", "CArchive"],
        "ConfigurationFiles": ["CYAML", "ImageModel"],
        "ImageTransfer": ["ImageModel", "ByteStreams", "TarArchive"],
        "ImageVerification": ["ImageModel", "ByteStreams", "TarArchive", "ImageTransfer"],
        "FileTrees": ["ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification"],
        "ImageLayouts": [
            "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification", "FileTrees",
        ],
        "ObjectStorage": ["ImageModel", "ByteStreams", "ImageTransfer", "FileTrees"],
        "RegistryStore": [
            "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification", "FileTrees", "ObjectStorage",
        ],
        "ImageBackup": [
            "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification", "FileTrees", "ImageLayouts",
        ],
        "RegistryClient": [
            "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification",
        ],
        "DrayKit": [
            "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification", "FileTrees",
            "ImageLayouts", "ObjectStorage", "RegistryStore", "ImageBackup", "RegistryClient",
        ],
        "ImageSync": [
            "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "RegistryClient", "DrayKit",
        ],
        "RegistryServer": [
            "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "FileTrees", "ObjectStorage",
            "RegistryStore", "RegistryClient", "CCrypt",
        ],
        "dray": [
            "CLinux", "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification",
            "FileTrees", "ImageLayouts", "ObjectStorage", "RegistryStore", "ImageBackup", "RegistryClient", "DrayKit",
            "ImageSync",
            "RegistryServer",
        ],
    ]
    static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources")

    @Test(arguments: allowed.keys.sorted())
    func importsOnlyWhatItsArrowsAllow(_ target: String) throws {
        let own = Set(Self.allowed.keys).union([
            "CZlib", "CISAL", "CZstd", "CArchive", "CCrypt", "CLinux", "CSHA256", "CYAML",
        ])
        let files = FileManager.default.enumerator(atPath: Self.sources.appending(path: target).path)
        var count = 0
        for case let file as String in try #require(files) where file.hasSuffix(".swift") {
            count += 1
            let text = try String(contentsOf: Self.sources.appending(path: "\(target)/\(file)"), encoding: .utf8)
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let position = words.firstIndex(of: "import"), position <= 1, words.count > position + 1 else {
                    continue
                }
                let module = String(words[position + 1])
                #expect(
                    !own.contains(module) || Self.allowed[target, default: []].contains(module),
                    "\(target)/\(file) imports \(module)")
                #expect(module != "Foundation", "\(target)/\(file) imports all of Foundation")
            }
        }
        #expect(count > 0)
    }
}
