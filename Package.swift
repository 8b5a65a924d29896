// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "dray",
    products: [
        .library(name: "ImageModel", targets: ["ImageModel"]),
        .library(name: "ByteStreams", targets: ["ByteStreams"]),
        .library(name: "TarArchive", targets: ["TarArchive"]),
        .library(name: "ImageTransfer", targets: ["ImageTransfer"]),
        .library(name: "ImageLayouts", targets: ["ImageLayouts"]),
        .library(name: "RegistryClient", targets: ["RegistryClient"]),
        .executable(name: "dray", targets: ["dray"]),
    ],
    traits: [
        .trait(name: "ISAL", description: "Compress and inflate gzip with ISA-L; without it zlib does all."),
        .default(enabledTraits: ["ISAL"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .target(
            name: "ImageModel",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(
            name: "ByteStreams",
            dependencies: [
                "ImageModel", "CZlib", "CZstd",
                .target(name: "CISAL", condition: .when(traits: ["ISAL"])),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "TarArchive",
            dependencies: ["ByteStreams", "CArchive"],
            swiftSettings: settings),
        .target(
            name: "ImageTransfer",
            dependencies: ["ImageModel", "ByteStreams", "TarArchive"],
            swiftSettings: settings),
        .target(
            name: "ImageLayouts",
            dependencies: ["ImageModel", "ByteStreams", "TarArchive", "ImageTransfer"],
            swiftSettings: settings),
        .target(
            name: "RegistryClient",
            dependencies: [
                "ImageModel", "ByteStreams", "ImageTransfer",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "dray",
            dependencies: [
                "ImageModel", "ByteStreams", "ImageTransfer", "ImageLayouts", "RegistryClient",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "UnitTests",
            dependencies: [
                "ImageModel", "ByteStreams", "TarArchive", "ImageTransfer", "ImageLayouts", "RegistryClient",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Tests/Unit",
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["ImageModel", "TarArchive"],
            path: "Tests/EndToEnd",
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
