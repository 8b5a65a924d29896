package import ImageModel

/// What is found while a configuration is read: mistakes, for which it is refused, and warnings.
package final class Findings {
    /// Whether what does nothing, or is likely meant otherwise, is a mistake as well; columns are told then.
    package let isStrict: Bool
    private struct Finding {
        var place: YAMLPlace
        var text: String
    }

    private var mistakes: [Finding] = []
    private var warnings: [Finding] = []

    package init(isStrict: Bool = false) { self.isStrict = isStrict }

    /// - Parameters:
    ///   - name: of the key, from the top: `http.tls.key`; empty for the file as a whole.
    package func mistake(at place: YAMLPlace, _ name: String, _ text: String) {
        mistakes.append(Finding(place: place, text: sentence(place, name, text)))
    }

    package func warn(at place: YAMLPlace, _ name: String, _ text: String) {
        guard !isStrict else { return mistake(at: place, name, text) }
        warnings.append(Finding(place: place, text: sentence(place, name, text)))
    }

    /// For an environment variable that sets nothing there is, in the original's words.
    package func ignored(variable: String) {
        let text = "Ignoring unrecognized environment variable \(variable)"
        warnings.append(Finding(place: YAMLPlace(.variable(variable)), text: text))
    }

    /// In the order of the file, those of environment variables at the end.
    ///
    /// - Throws: `ImageError` if there is any mistake.
    package func warningsUnlessMistaken() throws(ImageError) -> [String] {
        guard mistakes.isEmpty else { throw .configuration(Self.sorted(mistakes)) }
        return Self.sorted(warnings)
    }

    private func sentence(_ place: YAMLPlace, _ name: String, _ text: String) -> String {
        (isStrict ? place.exact : place.description) + (name.isEmpty ? "" : ": \(name)") + ": \(text)"
    }

    private static func sorted(_ findings: [Finding]) -> [String] {
        let keys = findings.enumerated().map { index, finding in
            let isVariable = if case .variable = finding.place.origin { 1 } else { 0 }
            return (isVariable, finding.place.line, index)
        }
        return keys.sorted(by: <).map { findings[$0.2].text }
    }
}
