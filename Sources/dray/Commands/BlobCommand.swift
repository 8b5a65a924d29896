import ArgumentParser
import ByteStreams
import DrayKit
import ImageModel
import ImageTransfer

/// `dray blob`
struct BlobCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "blob",
        abstract: "Print the exact bytes of a blob: a layer or a config.",
        discussion: """
            The bytes are verified while they are printed; if they turn out to be damaged, the exit code is 3.

            Examples:
              dray blob oci:layout sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865
              dray blob store:/var/lib/registry:team/app@sha256:DIGEST | tar tz
            """)

    @Argument(help: ArgumentHelp("Where the blob is.", valueName: "reference"))
    var reference: String

    @Argument(help: ArgumentHelp("Its digest, as ALGORITHM:HEX; or REFERENCE@DIGEST in one word.", valueName: "digest"))
    var given: String?

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    /// The place and the digest that were named, in either order.
    private func subject(_ reader: ReferenceReader) throws -> (ImageReference, Digest) {
        guard let given else {
            var reference = try reader.read(reference)
            guard let digest = reference.digest else {
                throw ValidationError("Missing digest; expected dray blob REFERENCE sha256:DIGEST")
            }
            reference.digest = nil
            return (reference, digest)
        }
        if let digest = Digest(given) { return (try reader.read(reference), digest) }
        guard let digest = Digest(reference) else {
            throw ValidationError(
                "'\(ImageReference.printable(given))': not a digest; expected sha256: and 64 hexadecimal digits")
        }
        return (try reader.read(given), digest)
    }

    func run(_ console: Console) async throws -> ExitStatus {
        let reader = ReferenceReader()
        let (reference, digest) = try subject(reader)
        let source = try await registry.session(console, for: [reference], reader).source(reference)
        if let stream = source as? any StreamedSource, stream.access == .once {
            if try await printMember(digest, of: stream) { return .done }
        }
        let images = try await source.images(named: reference.name, digest: reference.digest)
        let descriptor = Descriptor(untyped: digest)
        var repositories: [String?] = []
        for image in images where !repositories.contains(image.repository) { repositories.append(image.repository) }
        for repository in repositories {
            do {
                try await printVerified(digest, try await source.blob(descriptor, in: repository), title: source.title)
                return .done
            } catch let error as ImageError where error.code == .notFound {
                continue
            }
        }
        throw ImageError.notFound("\(source.title) has no blob \(digest)")
    }

    private func printVerified(_ digest: Digest, _ bytes: any ByteSource, title: String) async throws {
        let handover = Handover(bytes)
        try await Blocking.run {
            try VerifyingSource(handover.value, digest: digest, size: nil, name: "\(title): blob \(digest)")
                .pump(into: StandardOutput())
        }
    }

    /// What can be kept of a member whose name does not tell its digest, until it is known.
    private static let memberLimit: Int64 = 16 << 20

    /// Prints a member of standard input while it comes by: it comes only once.
    ///
    /// - Returns: whether it did. Documents are kept, and are asked for afterwards.
    private func printMember(_ digest: Digest, of stream: any StreamedSource) async throws -> Bool {
        try await Blocking.run {
            var isPrinted = false
            try stream.drain { blob in
                let hashing = HashingSource(blob.content, algorithm: blob.digest?.algorithm ?? digest.algorithm)
                if blob.digest == digest, !isPrinted {
                    try VerifyingSource(hashing, digest: digest, size: blob.size, name: blob.title)
                        .pump(into: StandardOutput())
                    isPrinted = true
                } else if blob.digest == nil, blob.size <= Self.memberLimit, !isPrinted {
                    let bytes = try hashing.readAll(limit: Int(Self.memberLimit), name: blob.title)
                    if hashing.digest() == digest {
                        try StandardOutput().write(bytes)
                        isPrinted = true
                    }
                } else {
                    _ = try hashing.drain()
                    guard hashing.digest() != digest || isPrinted else {
                        throw ImageError.refused(
                            "\(blob.title) is \(digest), which was known only when it had gone by: put the archive into "
                                + "a file to read it")
                    }
                }
                return hashing.digest()
            }
            return isPrinted
        }
    }
}
