import Foundation
import Testing

/// `samples/tools/sbom`: what dray is made of.
struct SoftwareBillTests {
    private struct Bill: Decodable {
        struct Component: Decodable {
            var type: String
            var name: String
            var version: String
            var purl: String
            var reference: String

            enum CodingKeys: String, CodingKey {
                case type, name, version, purl
                case reference = "bom-ref"
            }
        }
        struct Metadata: Decodable { var component: Component }
        struct Dependency: Decodable {
            var ref: String
            var dependsOn: [String]
        }

        var bomFormat: String
        var specVersion: String
        var version: Int
        var metadata: Metadata
        var components: [Component]
        var dependencies: [Dependency]
    }

    @Test func everyPinAndEveryLinkedLibraryIsInIt() throws {
        let result = try Command.script("samples/tools/sbom", [Command.dray])
        try #require(result.status == 0, "\(result.errors)")
        let bill = try JSONDecoder().decode(Bill.self, from: result.output)
        #expect(bill.bomFormat == "CycloneDX" && bill.specVersion == "1.5" && bill.version == 1)
        #expect(bill.metadata.component.name == "dray" && bill.metadata.component.type == "application")
        let resolved = try ResolvedPackages(Command.package.appending(path: "Package.resolved").path)
        #expect(!resolved.pins.isEmpty)
        let measuring: Set = ["benchmark", "hdrhistogram-swift", "texttable"]
        #expect(!bill.components.contains { measuring.contains($0.name) })
        for pin in resolved.pins where !measuring.contains(pin.identity) {
            let found = bill.components.first { $0.name == pin.identity }
            #expect(found?.version == pin.state.version ?? pin.state.revision, "\(pin.identity)")
            #expect(found?.purl.hasPrefix("pkg:swift/github.com/") == true, "\(pin.identity)")
            #expect(result.text.contains(try #require(pin.state.revision)), "\(pin.identity)")
        }
        for library in ["libarchive13", "libcrypt1", "libisal2", "libyaml-0-2", "libzstd1", "zlib1g", "libc6"] {
            let package = try Command.run("dpkg-query", ["-W", "-f", "${Version}", library])
            #expect(bill.components.first { $0.name == library }?.version == package.text, "\(library)")
        }
        let references = bill.components.map(\.reference) + [bill.metadata.component.reference]
        #expect(Set(references).count == references.count)
        #expect(Set(bill.dependencies.flatMap { [$0.ref] + $0.dependsOn }).isSubset(of: references))
        #expect(bill.components.allSatisfy { !$0.version.isEmpty && $0.version != "unknown" })
        // The same build, the same bytes.
        #expect(
            try Command.script("samples/tools/sbom", [Command.dray]).output
                == result.output)
    }
}
