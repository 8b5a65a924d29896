package import ByteStreams
import ImageTransfer
package import ImageVerification

/// Files that others may change, or that their owner may not read, each kind told once.
package struct PermissionSurvey: Sendable {
    private struct Kind: Sendable {
        var count = 0
        var example = ""

        mutating func add(_ path: String) {
            if count == 0 || path < example { example = path }
            count += 1
        }
    }

    private var writable = Kind()
    private var unreadable = Kind()

    package init() {}

    /// - Parameter path: below the place.
    package mutating func add(_ path: String, _ status: DirectoryHandle.Status) {
        if status.mode & 0o002 != 0 { writable.add(path) }
        if status.mode & 0o400 == 0 { unreadable.add(path) }
    }

    package mutating func add(_ other: PermissionSurvey) {
        for (own, more) in [(\Self.writable, other.writable), (\Self.unreadable, other.unreadable)]
        where more.count > 0 {
            self[keyPath: own].add(more.example)
            self[keyPath: own].count += more.count - 1
        }
    }

    package var findings: [Finding] {
        var findings: [Finding] = []
        if writable.count > 0 {
            findings.append(
                Finding(
                    .permissions, writable.example,
                    "can be changed by anyone on this machine\(Self.more(writable.count))", advice: "chmod -R o-w"))
        }
        if unreadable.count > 0 {
            findings.append(
                Finding(
                    .permissions, unreadable.example, "cannot be read by its owner\(Self.more(unreadable.count))",
                    advice: "chmod -R u+r"))
        }
        return findings
    }

    private static func more(_ count: Int) -> String { count > 1 ? " (the same is so with \(count - 1) more)" : "" }
}
