/// A step from an object or an array to a part of it.
enum DocumentStep {
    case member(String)
    case element(Int)
}

extension Collection<DocumentStep> {
    /// For messages; empty for a whole document.
    var place: String {
        guard !isEmpty else { return "" }
        let steps = map { step in
            switch step {
            case .member(let key): key
            case .element(let index): "[\(index)]"
            }
        }
        return steps.joined(separator: ".") + ": "
    }
}
