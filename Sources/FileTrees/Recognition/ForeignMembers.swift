import ByteStreams
package import ImageModel
import ImageTransfer

/// What a tar or a directory really is in which no image was found, by the names in it.
package struct ForeignMembers {
    private let tree: any FileTree
    private let isDirectory: Bool
    /// As a word of a command.
    private let file: String
    /// At the root, without what macOS puts beside each file.
    private let names: [String]

    private init(_ tree: any FileTree) throws {
        self.tree = tree
        isDirectory = tree is DirectoryTree
        file = shellWord(tree.path)
        names = try (tree.list(isDirectory ? "." : "") ?? []).filter { !$0.hasPrefix("._") && $0 != "__MACOSX" }
    }

    /// The error for a tree that is not what it was taken for.
    ///
    /// - Throws: `ImageError`.
    package static func error(of tree: any FileTree) throws -> ImageError {
        let members = try ForeignMembers(tree)
        if let form = try ImageForm(of: tree, isCertain: true) { return .foreign(members.other(form)) }
        if let deep = try members.insideOfStore() { return .foreign(deep) }
        if let problem = try members.incomplete() { return .damaged("\(tree.title): \(problem)") }
        let content = try members.nested() ?? members.rootFileSystem() ?? members.archives() ?? members.known()
        return .foreign(content ?? members.other)
    }

    /// What dray reads if it is named as what it is.
    private func other(_ form: ImageForm) -> ForeignContent {
        if let transport = form.transport(isDirectory: isDirectory) {
            return ForeignContent(
                tree.title, kind: form.title, advice: "name it as such: \(transport.prefix)\(file)", isReadable: true)
        }
        return ForeignContent(
            tree.title, kind: isDirectory ? form.title : "a tar of \(form.title)",
            advice: form == .backup && isDirectory
                ? "see 'dray snapshots \(file)', and bring it back with 'dray restore'"
                : "unpack it first: mkdir DIR && tar -C DIR -xf \(file)")
    }

    // MARK: Images that are there, elsewhere or in part

    /// A directory of a registry's storage below the one that is to be named.
    private func insideOfStore() throws -> ForeignContent? {
        for inner in ["", "v2/", "registry/v2/"] where try tree.list("\(inner)repositories") != nil {
            guard try tree.list("\(inner)blobs/sha256") != nil else { continue }
            return ForeignContent(
                tree.title, kind: "the inside of a registry's storage",
                advice: "name the directory that has \(ImageForm.storeRoot) in it, as store:DIR")
        }
        return nil
    }

    /// What is missing of an image archive that is there in part.
    private func incomplete() throws -> String? {
        let way = isDirectory ? "copy it anew from where it was made" : "fetch or save it anew"
        if try names.contains(ImageForm.layoutMark)
            || tree.list("\(ImageForm.layoutBlobs)/\(Digest.Algorithm.sha256)") != nil
        {
            return "incomplete OCI layout: index.json is missing; \(way)"
        }
        for name in names where ImageForm.isLegacyID(name) {
            if try tree.size(of: "\(name)/layer.tar") != nil {
                return "incomplete docker-archive: manifest.json is missing; \(way)"
            }
        }
        return nil
    }

    private static let depth = 6
    /// Directories that are looked into.
    private static let mostDirectories = 1000

    /// Archives that were packed with the directories above them.
    private func nested() throws -> ForeignContent? {
        var level = names
        var left = Self.mostDirectories
        for _ in 0..<Self.depth {
            var found: [(path: String, form: ImageForm)] = []
            var below: [String] = []
            for path in level.prefix(left) {
                left -= 1
                // What cannot be read leads nowhere.
                guard let inside = (try? tree.list(path)) ?? nil else { continue }
                if let form = (try? ImageForm(of: tree, at: path, isCertain: true)) ?? nil {
                    found.append((path, form))
                } else {
                    below += inside.prefix(left).map { "\(path)/\($0)" }
                }
            }
            if let first = found.first {
                if first.form == .store, !isDirectory, components(of: first.path).count <= ImageForm.storeDepth {
                    return other(.store)
                }
                return nested(first.path, first.form, count: found.count)
            }
            level = below
        }
        return nil
    }

    private func nested(_ path: String, _ form: ImageForm, count: Int) -> ForeignContent {
        let more = count == 1 ? "" : ", and \(count - 1) more beside it"
        let place = shellWord(isDirectory ? "\(tree.path)/\(path)" : path)
        let reference = (form.transport(isDirectory: true).map(\.prefix) ?? "") + place
        return ForeignContent(
            tree.title, kind: "\(form.title) is in its directory \(path)\(more)",
            advice: isDirectory
                ? "name that: \(reference)" : "unpack it, and name that: tar -xf \(file) && dray ls \(reference)")
    }

    private static let archiveEndings = [
        ".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2", ".tar.lz4", ".zip", ".oci",
    ]

    /// Archives in a tar, or in a directory of a directory.
    private func archives() throws -> ForeignContent? {
        func archives(_ names: [String], _ directory: String) -> [String] {
            names.filter { name in Self.archiveEndings.contains { name.lowercased().hasSuffix($0) } }
                .map { directory + $0 }
        }
        var found = archives(names, "")
        for name in names.prefix(Self.mostDirectories) where found.isEmpty {
            // What cannot be read leads nowhere.
            found = archives((try? tree.list(name)) ?? nil ?? [], "\(name)/")
        }
        guard let first = found.first else { return nil }
        let below = first.contains("/") ? "/\(parent(of: first))" : ""
        let title = "\(found.count == 1 ? "an archive" : "\(found.count) archives"): \(Self.list(found))"
        return ForeignContent(
            tree.title, kind: isDirectory ? "a directory with \(title)" : "a tar of \(title)",
            advice: isDirectory
                ? "name the directory that they are in: \(shellWord(tree.path + below))"
                : "unpack it, and name the directory: mkdir DIR && tar -C DIR -xf \(file) && dray copy DIR\(below) ...")
    }

    // MARK: Other things

    /// Names at the root of a file system; the first ones are hardly anything else.
    private static let certainRoots: Set = [
        "etc", "usr", "proc", "sys", "dev", "sbin", "var", "boot", "lib64", "mnt", "Hives", "UtilityVM", "Windows",
        "Program Files", "ProgramData",
    ]
    private static let roots: Set = certainRoots.union([
        "bin", "home", "lib", "lib32", "libx32", "media", "opt", "root", "run", "srv", "tmp", "nix", "Files", "Users",
        "License.txt", "Program Files (x86)", "inetpub",
    ])

    private func rootFileSystem() throws -> ForeignContent? {
        let known = names.filter(Self.roots.contains)
        let isRoot =
            names.contains(".dockerenv") || known.count >= 3
            || known.contains(where: Self.certainRoots.contains) && (known.count >= 2 || 2 * known.count >= names.count)
        guard isRoot else { return nil }
        return ForeignContent(
            tree.title, kind: "a root file system, such as 'docker export' writes",
            advice: "save the image instead: docker save -o FILE IMAGE; or make an image of it: "
                + (isDirectory ? "tar -C \(file) -c . | docker import - NAME:TAG" : "docker import \(file) NAME:TAG"))
    }

    /// What is known by a file of its own.
    private func known() throws -> ForeignContent? {
        if names.count == 1, let name = names.first, try tree.size(of: "\(name)/Chart.yaml") != nil {
            return ForeignContent(
                tree.title, kind: "a Helm chart", advice: "push it with: helm push \(file) oci://HOST/REPOSITORY")
        }
        if names.contains("Chart.yaml") {
            return ForeignContent(
                tree.title, kind: "a Helm chart", advice: "pack and push it with: helm package \(file)")
        }
        if names.contains("Dockerfile") || names.contains("Containerfile") {
            return ForeignContent(
                tree.title, kind: "a build context with a Dockerfile",
                advice: "build the image and save it: docker build -t NAME \(isDirectory ? file : "- < \(file)")")
        }
        if names.contains("overlay2") || names.contains("overlay-images") || names.contains("vfs-images")
            || names.contains("io.containerd.content.v1.content")
        {
            return ForeignContent(
                tree.title, kind: "the data directory of Docker, podman or containerd", advice: ForeignFile.saveAnew)
        }
        return nil
    }

    private var other: ForeignContent {
        let what = names.isEmpty ? "nothing" : Self.list(names)
        return ForeignContent(
            tree.title,
            kind: isDirectory
                ? names.isEmpty ? "an empty directory" : "a directory with \(what)" : "a tar of other files: \(what)",
            advice: isDirectory && names.isEmpty
                ? "copy images there first: dray copy SOURCE store:\(tree.title) (or oci:\(tree.title))"
                : ForeignFile.saveAnew)
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
}
