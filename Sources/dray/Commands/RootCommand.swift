import ArgumentParser
import ImageModel

/// The command without a command: help and version.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dray",
        abstract: "Move container images between archives, layouts, a registry's storage, and registries.",
        discussion: """
            An image is named by a reference, TRANSPORT:LOCATION[:NAME][@DIGEST]:

              docker-archive:FILE[:NAME:TAG]  a 'docker save' tarball, plain or compressed; - is stdin or stdout
              oci-archive:FILE[:TAG]          an OCI image layout in a tar; - is stdin or stdout
              oci:DIR[:TAG]                   an OCI image layout
              store:ROOT[:REPO[:TAG]]         a registry's storage directory (or a tar of one, to read)
              dir:DIR                         skopeo's plain directory
              docker://HOST[/REPO[:TAG]]      a registry over its API; oci:// is the same

            What lies at a path is recognised without its transport, and so are HOST:PORT/REPO and localhost. @DIGEST is a manifest's digest, or an image \
            ID in a docker-archive. A colon in a path is written '\\:'. Without a name, copy takes everything.

            Examples:
              docker save app:1 | dray copy docker-archive:- store:/var/lib/registry
              dray copy images.tar.gz store:/var/lib/registry
              dray copy store:/var/lib/registry:app:1 docker-archive:- | docker load
              dray copy app.tar docker://registry.example:5000/team/app:1
              dray ls /var/lib/registry

            Options of docker and skopeo are understood where they mean the same, such as --all, --authfile, \
            --src-cert-dir, --format v2s2, --json and --debug; for other options and commands, the \
            error message names the one to use here.

            Exit codes: 0 done, 1 failed, 2 done in part (--keep-going), 3 damaged input or no image,
            4 not found, 5 not authorised, 64 wrong usage.
            """,
        version: drayVersion,
        subcommands: [
            CopyCommand.self, SyncCommand.self, InspectCommand.self, ListCommand.self, DigestCommand.self,
            ManifestCommand.self, BlobCommand.self, TagCommand.self, DeleteCommand.self, CollectCommand.self,
            VerifyCommand.self, ServeCommand.self, InventoryCommand.self, RecoverCommand.self, BackupCommand.self,
            SnapshotsCommand.self, RestoreCommand.self, ForgetCommand.self, PruneCommand.self, LoginCommand.self,
            LogoutCommand.self,
        ])

    /// The command of a name.
    static func command(named name: String) -> (any ParsableCommand.Type)? {
        configuration.subcommands.first { command in
            command.configuration.commandName == name || command.configuration.aliases.contains(name)
        }
    }

    /// The names of all commands, their other names among them.
    static var commandNames: [String] {
        configuration.subcommands.flatMap { command in
            [command.configuration.commandName ?? ""] + command.configuration.aliases
        }
    }
}

/// One of dray's commands.
protocol DrayCommand: ParsableCommand, Sendable {
    var shared: SharedOptions { get }

    func run(_ console: Console) async throws -> ExitStatus
}
