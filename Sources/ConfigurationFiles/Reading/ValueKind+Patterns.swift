package import ImageModel

extension ValueKind where Value == TextPattern {
    package static var glob: ValueKind<TextPattern> {
        text { (text) throws(Complaint) in try pattern(text) { () throws(ImageError) in try TextPattern(glob: text) }
        }
    }

    /// A regular expression.
    package static var expression: ValueKind<TextPattern> {
        text { (text) throws(Complaint) in
            try pattern(text) { () throws(ImageError) in try TextPattern(expression: text) }
        }
    }

    private static func pattern(
        _ text: String, _ read: () throws(ImageError) -> TextPattern
    ) throws(Complaint) -> TextPattern {
        do {
            return try read()
        } catch {
            throw Complaint("\(quoted(text)): \(printable(error.description))")
        }
    }
}
