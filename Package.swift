// swift-tools-version: 6.2
import PackageDescription

var settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Where `Tests/fuzz` builds: libFuzzer's runtime. dray's own modules are instrumented for it then.
let fuzzer = Context.environment["DRAY_FUZZER"]
if fuzzer != nil { settings.append(.unsafeFlags(["-sanitize=fuzzer"])) }

let package = Package(
    name: "dray",
    products: [
        .library(name: "DrayKit", targets: ["DrayKit"]),
        .library(name: "RegistryServer", targets: ["RegistryServer"]),
        .executable(name: "dray", targets: ["dray"]),
    ],
    traits: [
        .trait(name: "ISAL", description: "Compress and inflate gzip with ISA-L; without it zlib does all."),
        .default(enabledTraits: ["ISAL"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
        .target(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CSHA256"),
        .target(
            name: "ImageModel",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(
            name: "ByteStreams",
            dependencies: [
                "ImageModel", "CLinux", "CSHA256", "CZlib", "CZstd",
                .target(name: "CISAL", condition: .when(traits: ["ISAL"])),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "TarArchive",
            dependencies: ["ImageModel", "ByteStreams", "CArchive"],
            swiftSettings: settings),
        .target(
            name: "ImageTransfer",
            dependencies: ["ImageModel", "ByteStreams", "TarArchive"],
            swiftSettings: settings),
        .target(
            name: "ImageVerification",
            dependencies: ["ImageModel", "ByteStreams", "TarArchive", "ImageTransfer"],
            swiftSettings: settings),
        .target(
            name: "FileTrees",
            dependencies: ["ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification"],
            swiftSettings: settings),
        .target(
            name: "ImageLayouts",
            dependencies: [
                "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification", "FileTrees",
            ],
            swiftSettings: settings),
        .target(
            name: "RegistryStore",
            dependencies: [
                "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification", "FileTrees", "ObjectStorage",
            ],
            swiftSettings: settings),
        .target(
            name: "ImageBackup",
            dependencies: [
                "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification", "FileTrees", "ImageLayouts",
            ],
            swiftSettings: settings),
        .target(
            name: "RegistryClient",
            dependencies: [
                "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(
            name: "ObjectStorage",
            dependencies: [
                "ImageModel", "ByteStreams", "ImageTransfer", "FileTrees",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(name: "ConfigurationFiles", dependencies: ["CYAML", "ImageModel"], swiftSettings: settings),
        .target(
            name: "DrayKit",
            dependencies: [
                "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification", "FileTrees",
                "ImageLayouts", "ObjectStorage", "RegistryStore", "ImageBackup", "RegistryClient",
            ],
            swiftSettings: settings),
        .target(
            name: "ImageSync",
            dependencies: [
                "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "RegistryClient", "DrayKit",
            ],
            swiftSettings: settings),
        .target(
            name: "RegistryServer",
            dependencies: [
                "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "FileTrees", "ObjectStorage",
                "RegistryStore", "RegistryClient", "CCrypt",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "dray",
            dependencies: [
                "CLinux", "ConfigurationFiles", "ImageModel", "ByteStreams", "ImageTransfer", "ImageVerification",
                "FileTrees",
                "ImageLayouts", "ObjectStorage", "RegistryStore", "ImageBackup", "RegistryClient", "DrayKit",
                "ImageSync",
                "RegistryServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        // Sees what another package would.
        .executableTarget(
            name: "dray-library-sample", dependencies: ["DrayKit"], path: "samples/library", packageAccess: false,
            swiftSettings: settings),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ConfigurationFiles", "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification",
                "FileTrees", "ImageLayouts", "RegistryStore", "ImageBackup", "RegistryClient", "DrayKit", "ImageSync",
                "RegistryServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ],
            path: "Tests/Fuzzing/Targets",
            swiftSettings: settings),
        .testTarget(
            name: "UnitTests",
            dependencies: [
                "ConfigurationFiles", "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageVerification",
                "FileTrees", "ImageLayouts", "RegistryStore", "ImageBackup", "RegistryClient", "DrayKit", "ImageSync",
                "RegistryServer", "ObjectStorage", "FuzzTargets",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Tests/Unit",
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "RegistryClient", "ObjectStorage",
            ],
            path: "Tests/EndToEnd",
            // They wait for processes: what an optimiser would gain there is less than it takes.
            swiftSettings: settings + [.unsafeFlags(["-Onone"])]),
    ],
    swiftLanguageModes: [.v6]
)

if let fuzzer {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: ["FuzzTargets"],
            path: "Tests/Fuzzing/Runner",
            swiftSettings: settings,
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--whole-archive", "-Xlinker", fuzzer, "-Xlinker", "--no-whole-archive"]),
                .linkedLibrary("stdc++"), .linkedLibrary("m"),
            ]))
}

/// Set where the benchmarks of the parts are wanted, and what measures them.
if Context.environment["DRAY_BENCHMARKS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []))
    package.targets.append(
        .executableTarget(
            name: "PartBenchmarks",
            dependencies: [
                "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "FileTrees", "ImageLayouts",
                "RegistryStore",
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Tests/Benchmarks/Parts",
            swiftSettings: settings))
}
