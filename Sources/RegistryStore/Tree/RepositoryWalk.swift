import ImageModel

/// Visits the repositories of a store in the original's order, component by component.
struct RepositoryWalk {
    /// The names in a directory, sorted; nil if there is none.
    let list: (_ directory: String) throws -> [String]?
    let paths: StorePaths

    /// - Parameters:
    ///   - last: only repositories after it; it need not exist.
    ///   - enters: whether a directory is entered, by its path below `repositories`.
    ///   - visit: is given each directory that may be a repository, and the names in it; ends the walk by returning false.
    func run(
        after last: String? = nil, entering enters: (_ path: String) throws -> Bool = { ImageName.isRepository($0) },
        _ visit: (_ path: String, _ names: [String]) throws -> Bool
    ) throws {
        let start = last.map { $0.split(separator: "/").map(String.init) } ?? []
        _ = try walk("", after: start[...], enters, visit)
    }

    /// - Parameter start: what is left of `last` below this path; nil if everything here comes after it.
    private func walk(
        _ path: String, after start: ArraySlice<String>?, _ enters: (String) throws -> Bool,
        _ visit: (String, [String]) throws -> Bool
    ) throws -> Bool {
        let names = try list(path.isEmpty ? paths.repositories : "\(paths.repositories)/\(path)") ?? []
        if !path.isEmpty, start == nil, try !visit(path, names) { return false }
        for name in names where !name.hasPrefix("_") {
            var rest: ArraySlice<String>?
            if let start, let first = start.first {
                if name < first { continue }
                if name == first { rest = start.dropFirst() }
            }
            let child = path.isEmpty ? name : "\(path)/\(name)"
            if try enters(child), try !walk(child, after: rest, enters, visit) { return false }
        }
        return true
    }

    /// Whether a directory with these names in it is a repository, by either registry: 2.x looks for `_layers`, 3.x for
    /// `_manifests`.
    static func isRepository(_ names: [String]) -> Bool { names.contains("_manifests") || names.contains("_layers") }
}
