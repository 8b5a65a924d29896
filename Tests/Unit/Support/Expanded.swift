import DrayKit
import ImageModel

/// The sources that a text stands for, and the files beside them that are none.
func expanded(_ text: String) throws -> (references: [ImageReference], leftOut: [(file: String, kind: String)]) {
    let reader = ReferenceReader()
    return try reader.expand(reader.read(text))
}
