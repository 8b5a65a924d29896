import ArgumentParser
import ImageLayouts
import ImageModel

/// `dray recover`
struct RecoverCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Make lost or damaged volumes of a set anew.",
        discussion: """
            Takes the volumes of a set that are whole, and as many recovery volumes ('copy --recovery-volumes') as \
            others are lost or damaged, and writes those again, as they were to the byte. Files of the set are found \
            beside each other; they are known by what is in them, not by their names. One line is printed for each \
            volume that was made.

            Examples:
              dray copy --volume-size 4GiB --recovery-volumes 2 store:/var/lib/registry oci-archive:set.tar
              dray recover set.001.tar
              dray recover --into /srv/set /media/one /media/two
            """)

    @Argument(help: ArgumentHelp("Files of the set, or directories with them.", valueName: "path"))
    var paths: [String] = []

    @Option(
        help: ArgumentHelp("Write into this directory, and not beside the recovery volume.", valueName: "directory"))
    var into: String?

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if paths.isEmpty { throw ValidationError("Missing PATH: which set is it?") }
    }

    private struct Row: Encodable, Sendable {
        var path: String
        var volume: Int
        var digest: Digest
        var size: Int64
    }

    func run(_ console: Console) async throws -> ExitStatus {
        if let into { try PathHints.checkNew(into) }
        let archive = ImageReference.Transport.ociArchive.prefix
        let paths = self.paths.map { $0.hasPrefix(archive) ? String($0.dropFirst(archive.count)) : $0 }
        let runner = ProgressRunner(console)
        let volumes = try await runner.run {
            try await VolumeRecovery(paths, progress: runner.progress).run(into: into)
        }
        if volumes.isEmpty { console.note("nothing is lost: every volume of the set is there, and whole") }
        var table = TextTable()
        for volume in volumes {
            table.add(Printable.line(volume.path), volume.digest.description, "\(ByteCount(volume.size))")
        }
        try await console.report(
            volumes.map { Row(path: $0.path, volume: $0.number, digest: $0.digest, size: $0.size) },
            text: table.lines())
        return .done
    }
}
