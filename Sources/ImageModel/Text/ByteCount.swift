/// A number of bytes as people read it: three digits and a decimal unit.
package struct ByteCount: CustomStringConvertible {
    package let bytes: Int64

    package init(_ bytes: Int64) { self.bytes = bytes }

    package var description: String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var unit: Int64 = 1000
        for name in ["kB", "MB", "GB", "TB", "PB"] {
            // Rounded to what is shown, it has to stay below the next unit.
            let tenths = bytes / unit * 10 + bytes % unit * 10 / unit
            if tenths < 9995 || name == "PB" {
                return tenths < 100 ? "\(tenths / 10).\(tenths % 10) \(name)" : "\((tenths + 5) / 10) \(name)"
            }
            unit *= 1000
        }
        return "\(bytes) B"
    }
}
