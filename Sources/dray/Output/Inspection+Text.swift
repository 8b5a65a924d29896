import DrayKit

extension Inspection {
    /// For people to read.
    var lines: [String] {
        var facts = TextTable()
        let name = [repository, tag].compactMap(\.self).joined(separator: ":")
        if !name.isEmpty { facts.add("Name", name) }
        facts.add("Digest", digest.description)
        if let imageID { facts.add("Image ID", imageID.description) }
        facts.add("Media type", mediaType.rawValue)
        if let subject { facts.add("Subject", subject.description) }
        if !platforms.isEmpty { facts.add("Platforms", platforms.joined(separator: ", ")) }
        for (key, value) in (annotations ?? [:]).sorted(by: { $0.key < $1.key }) {
            facts.add("Annotation", "\(key)=\(value)")
        }
        for referrer in referrers {
            facts.add("Referrer", "\(referrer.digest)  \(referrer.artifactType ?? referrer.mediaType.rawValue)")
        }
        var lines = facts.lines()
        for image in images {
            lines.append("")
            lines += image.lines(isAlone: image.digest == digest)
        }
        return lines.map { Printable.line($0) }
    }
}

extension Inspection.Image {
    private var title: String {
        if attestation == true { return "Attestation" }
        return platform ?? artifactType ?? "Image"
    }

    fileprivate func lines(isAlone: Bool) -> [String] {
        var lines = [title]
        var facts = TextTable()
        if !isAlone { facts.add("Digest", digest.description) }
        if missing == true { facts.add("Missing", "the index lists it, but it is not there") }
        if let artifactType { facts.add("Artifact", artifactType) }
        if let config { facts.add("Config", "\(config.digest)  \(ByteCount(config.size))") }
        if let created { facts.add("Created", created) }
        if let author, !author.isEmpty { facts.add("Author", author) }
        for (key, value) in (annotations ?? [:]).sorted(by: { $0.key < $1.key }) {
            facts.add("Annotation", "\(key)=\(value)")
        }
        if let settings {
            if let user = settings.user { facts.add("User", user) }
            if let entrypoint = settings.entrypoint { facts.add("Entrypoint", Self.words(entrypoint)) }
            if let cmd = settings.cmd { facts.add("Command", Self.words(cmd)) }
            if let directory = settings.workingDir { facts.add("Directory", directory) }
            if let ports = settings.exposedPorts, !ports.isEmpty { facts.add("Ports", ports.joined(separator: ", ")) }
            if let volumes = settings.volumes, !volumes.isEmpty {
                facts.add("Volumes", volumes.joined(separator: ", "))
            }
            if let signal = settings.stopSignal { facts.add("Stop signal", signal) }
            for variable in settings.env ?? [] { facts.add("Environment", variable) }
            for (key, value) in (settings.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
                facts.add("Label", "\(key)=\(value)")
            }
        }
        lines += facts.lines(indent: 2)
        if let layers { lines += Self.lines(layers) }
        if let history, !history.isEmpty { lines += Self.lines(history) }
        return lines
    }

    private static func lines(_ layers: [Inspection.Layer]) -> [String] {
        let total = layers.reduce(Int64(0)) { $0.addingSaturated($1.size ?? 0) }
        var table = TextTable()
        for layer in layers {
            table.add(
                layer.digest.description, layer.size.map { ByteCount($0).description } ?? "",
                layer.mediaType.rawValue)
        }
        return ["  Layers: \(layers.count), \(ByteCount(total))"] + table.lines(indent: 4)
    }

    private static func lines(_ history: [Inspection.History]) -> [String] {
        var table = TextTable()
        for step in history {
            let what = (step.createdBy ?? step.comment ?? "").split(separator: " ").joined(separator: " ")
            let short = what.count > 100 ? what.prefix(97) + "..." : what
            table.add(String((step.created ?? "").prefix(19)), step.emptyLayer == true ? "no layer" : "layer", short)
        }
        return ["  History:"] + table.lines(indent: 4)
    }

    private static func words(_ words: [String]) -> String {
        words.map { $0.contains(" ") || $0.isEmpty ? "\"\($0)\"" : $0 }.joined(separator: " ")
    }
}
