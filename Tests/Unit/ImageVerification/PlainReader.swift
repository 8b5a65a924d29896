import Crypto
import Foundation

/// Pulls from a place as a plain client of a plain registry would, with nothing of dray: what a user gets.
struct PlainReader {
    /// By path below the place; of a link, what it says.
    let files: [String: Data]

    /// What came of a pull: the digests of everything that it brought, or nil.
    typealias Pull = [String]?

    init(_ files: [String: Data]) { self.files = files }

    init(directory: String) throws {
        var files: [String: Data] = [:]
        for case let path as String in FileManager.default.enumerator(atPath: directory) ?? .init() {
            if path.hasPrefix(".dray") { continue }
            files[path] = Self.contents("\(directory)/\(path)")
        }
        self.files = files
    }

    /// Of a file, or of a link itself; nil if there is neither.
    static func contents(_ path: String) -> Data? {
        if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) { return Data(target.utf8) }
        return FileManager.default.contents(atPath: path)
    }

    /// A plain tar's members, by offsets of their content; nil where it breaks off.
    static func members(of tar: Data) -> [(path: String, range: Range<Int>)]? {
        let bytes = [UInt8](tar)
        var found: [(path: String, range: Range<Int>)] = []
        var offset = 0
        var long: String?
        while offset + 512 <= bytes.count {
            let header = bytes[offset..<offset + 512]
            if header.allSatisfy({ $0 == 0 }) { return found }
            let start = offset + 512
            let size = String(decoding: header[(offset + 124)..<(offset + 135)], as: UTF8.self)
            guard let count = Int(size, radix: 8), start + count <= bytes.count else { return nil }
            let name = String(decoding: header.prefix(100).prefix { $0 != 0 }, as: UTF8.self)
            if header[offset + 156] == UInt8(ascii: "L") {
                long = String(decoding: bytes[start..<start + count].prefix { $0 != 0 }, as: UTF8.self)
            } else {
                if header[offset + 156] != UInt8(ascii: "5") { found.append((long ?? name, start..<start + count)) }
                long = nil
            }
            offset = start + (count + 511) / 512 * 512
        }
        return nil
    }

    // MARK: Pulling

    private static func digest(_ data: Data) -> String {
        "sha256:" + SHA256.hash(data: data).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func content(_ path: String, _ digest: String, size: Int? = nil) -> Data? {
        guard let data = files[path], Self.digest(data) == digest, size ?? data.count == data.count else { return nil }
        return data
    }

    private static func descriptors(_ value: Any?) -> [(digest: String, size: Int, type: String)] {
        (value as? [[String: Any]] ?? []).compactMap { entry in
            guard let digest = entry["digest"] as? String, let size = entry["size"] as? Int else { return nil }
            return (digest, size, entry["mediaType"] as? String ?? "")
        }
    }

    /// - Parameters:
    ///   - manifest: the path of a manifest's bytes; nil where it is not served.
    ///   - blob: likewise of a blob.
    private func pull(_ root: String, _ manifest: (String) -> String?, _ blob: (String) -> String?) -> Pull {
        var found: Set<String> = []
        var queue = [root]
        while let digest = queue.popLast() {
            guard let path = manifest(digest), let data = content(path, digest),
                let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
            else { return nil }
            found.insert(digest)
            queue += Self.descriptors(json["manifests"]).map(\.digest)
            let config = json["config"].map { [$0] }
            for part in Self.descriptors(config) + Self.descriptors(json["layers"]) {
                guard let path = blob(part.digest), content(path, part.digest, size: part.size) != nil else {
                    return nil
                }
                found.insert(part.digest)
            }
        }
        return found.sorted()
    }

    private static func hex(_ digest: String) -> Substring { digest.dropFirst(7) }

    /// Every tag and every digest of a registry's storage.
    func store() -> [String: Pull] {
        let base = "docker/registry/v2"
        func link(_ path: String) -> String? {
            guard let text = files["\(path)/link"].map({ String(decoding: $0, as: UTF8.self) }), text.utf8.count == 71,
                text.hasPrefix("sha256:"), Self.hex(text).allSatisfy({ "0123456789abcdef".contains($0) })
            else { return nil }
            return text
        }
        func blob(_ digest: String) -> String {
            "\(base)/blobs/sha256/\(Self.hex(digest).prefix(2))/\(Self.hex(digest))/data"
        }
        var pulls: [String: Pull] = [:]
        for path in files.keys where path.hasPrefix("\(base)/repositories/") && path.hasSuffix("/link") {
            let parts = path.dropFirst("\(base)/repositories/".count).split(separator: "/").map(String.init)
            guard let own = parts.firstIndex(where: { $0.hasPrefix("_") }), parts[own] == "_manifests" else { continue }
            let repository = parts[..<own].joined(separator: "/")
            let folder = "\(base)/repositories/\(repository)"
            let name: String
            let root: String?
            if parts[own + 1] == "tags", parts[own + 3] == "current" {
                name = "\(repository):\(parts[own + 2])"
                root = link("\(folder)/_manifests/tags/\(parts[own + 2])/current")
            } else if parts[own + 1] == "revisions" {
                name = "\(repository)@sha256:\(parts[own + 3])"
                root = "sha256:\(parts[own + 3])"
            } else {
                continue
            }
            pulls[name] = .some(
                root.flatMap { root in
                    pull(
                        root, { digest in link("\(folder)/_manifests/revisions/sha256/\(Self.hex(digest))").map(blob) },
                        { digest in link("\(folder)/_layers/sha256/\(Self.hex(digest))").map(blob) })
                })
        }
        return pulls
    }

    private func json(_ path: String) -> [String: Any]? {
        files[path].flatMap { try? JSONSerialization.jsonObject(with: $0) } as? [String: Any]
    }

    /// Every named entry of an OCI layout.
    ///
    /// - Parameters:
    ///   - folder: of the layout, with a slash at its end.
    ///   - blobs: where its blobs are.
    ///   - key: of the annotation that has the name.
    func layout(in folder: String = "", blobs: String? = "blobs", key: String = "io.containerd.image.name")
        -> [String: Pull]
    {
        guard json("\(folder)oci-layout") != nil, let index = json("\(folder)index.json") else { return [:] }
        var pulls: [String: Pull] = [:]
        for entry in index["manifests"] as? [[String: Any]] ?? [] {
            guard let digest = entry["digest"] as? String, let notes = entry["annotations"] as? [String: String],
                let name = notes[key]
            else { continue }
            let file = { (digest: String) -> String? in blobs.map { "\($0)/sha256/\(Self.hex(digest))" } }
            pulls[name] = .some(pull(digest, file, file))
        }
        return pulls
    }

    /// Every tag of every snapshot, through its own layout; what `dray restore` has to know of each snapshot, under
    /// the snapshot's name; and what the backup says of itself.
    func backup() -> [String: Pull] {
        var pulls: [String: Pull] = [:]
        pulls["backup.json"] = .some(json("backup.json").map { ["\($0)"] })
        let latest = files["snapshots/latest"].map { String(decoding: $0, as: UTF8.self) }
        pulls["latest"] = .some(latest.flatMap { id in files["snapshots/\(id)/_snapshot.json"].map { _ in [id] } })
        for path in files.keys {
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count > 2, parts[0] == "snapshots" else { continue }
            if parts[2] == "_snapshot.json" {
                pulls[parts[1]] = .some(json(path)?["repositories"] as? [String])
            }
            guard parts.last == "index.json" else { continue }
            let folder = parts.dropLast()
            let link = files[folder.joined(separator: "/") + "/blobs"].map { String(decoding: $0, as: UTF8.self) }
            let own = layout(
                in: folder.joined(separator: "/") + "/", blobs: link.flatMap { Self.follow($0, from: Array(folder)) },
                key: "org.opencontainers.image.ref.name")
            for (tag, pull) in own { pulls["\(folder.dropFirst().joined(separator: "/")):\(tag)"] = .some(pull) }
        }
        return pulls
    }

    /// Where a relative link leads to; nil if that is elsewhere.
    private static func follow(_ link: String, from folder: [String]) -> String? {
        guard !link.hasPrefix("/") else { return nil }
        var place = folder
        for part in link.split(separator: "/") where part != "." {
            if part != ".." {
                place.append(String(part))
            } else if place.popLast() == nil {
                return nil
            }
        }
        return place.joined(separator: "/")
    }

    /// The image of a `dir:`, under no name.
    func directory() -> [String: Pull] {
        guard let data = files["manifest.json"] else { return [:] }
        let root = Self.digest(data)
        let pulled = pull(
            root, { $0 == root ? "manifest.json" : "\(Self.hex($0)).manifest.json" }, { String(Self.hex($0)) })
        return ["": pulled]
    }
}
