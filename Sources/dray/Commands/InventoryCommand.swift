import ArgumentParser
import DrayKit
import ImageModel
import ImageTransfer

/// `dray inventory`
struct InventoryCommand: DrayCommand {
    static let configuration = CommandConfiguration(
        commandName: "inventory",
        abstract: "List what is at a place, for packing a delta elsewhere.",
        discussion: """
            Prints a JSON document with the digest and size of each blob that the images there refer to and that is \
            there, and with their tags. Carried to the other side, 'dray copy --have' leaves out the layers that are \
            in it.

            Examples:
              dray inventory store:/var/lib/registry > have.json
              dray copy --have have.json docker://registry.example/team oci-archive:delta.tar
              dray copy oci-archive:delta.tar store:/var/lib/registry
            """)

    @Argument(help: ArgumentHelp("Where to look.", valueName: "reference"))
    var reference: String

    @OptionGroup(title: "Registry options") var registry: RegistryArguments

    @OptionGroup var shared: SharedOptions

    func run(_ console: Console) async throws -> ExitStatus {
        let (dray, reference) = try registry.open(reference, console)
        let source = try await dray.source(reference)
        let listing = try await source.listing(named: reference.name, digest: reference.digest)
        for remark in listing.remarks { console.note(Printable.line(remark)) }
        let inventory = try await Inventory(of: source, listing) { console.note(Printable.line($0)) }
        console.detail("\(inventory.blobCount) blobs; the inventory is \(inventory.digest)")
        try await console.write { try inventory.write(to: $0) }
        return .done
    }
}
