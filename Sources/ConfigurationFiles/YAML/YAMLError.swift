/// What keeps a text from being a YAML document that is understood.
package struct YAMLError: Error, CustomStringConvertible {
    package var place: YAMLPlace
    /// Says nothing of the document's values, which may be secret.
    package var problem: String

    /// `FILE:LINE:COLUMN: PROBLEM`
    package var description: String { "\(place.exact): \(problem)" }
}
