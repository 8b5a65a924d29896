import ImageModel
import ImageTransfer
import Testing

struct NameTemplateTests {
    @Test(
        arguments: [
            ("mirror/{repository}", "mirror/team/app:1"), ("mirror/{name}:{tag}-x", "mirror/app:1-x"),
            ("{registry}/{repository}", "quay.io-5000/team/app:1"), ("all:{name}-{tag}", "all:app-1"),
            ("x:latest", "x:latest"),
        ])
    func makesNames(_ template: String, _ name: String) throws {
        let image = ImageName(repository: "team/app", tag: "1")
        #expect(try NameTemplate(template).name(of: image, registry: "quay.io:5000").description == name)
    }

    @Test func whatGoesByDigestKeepsThat() throws {
        let name = try NameTemplate("m/{name}:{tag}").name(of: ImageName(repository: "a/b"), registry: nil)
        #expect(name == ImageName(repository: "m/b"))
    }

    @Test(arguments: ["", "{", "{what}", "UPPER/{name}", "a//{name}", "../{name}", "{name}:{tag}:{tag}"])
    func refuses(_ template: String) {
        #expect(throws: ImageError.self) { try NameTemplate(template) }
    }

    @Test func saysWhereThereIsNoRegistry() throws {
        let template = try NameTemplate("{registry}/{name}")
        #expect(throws: ImageError.self) {
            try template.name(of: ImageName(repository: "a", tag: "1"), registry: nil)
        }
    }
}
