// Copies images into a registry's storage, and checks what is there: dray-library-sample SOURCE DIRECTORY
import DrayKit

let arguments = CommandLine.arguments
precondition(arguments.count == 3, "expected SOURCE DIRECTORY")
let dray = Dray()
let store = "store:\(arguments[2])"
for image in try await dray.copy(arguments[1], to: store).images {
    print(image.name, image.descriptor.digest, image.kept ? "digest kept" : "digest changed")
}
for image in try await dray.images(in: store) {
    print(image.repository ?? "", image.tag ?? "", image.platforms ?? [], image.contentSize ?? 0)
}
let report = try await dray.verify(store)
print("\(report.blobs) blobs read, \(report.damage.count) damaged")
