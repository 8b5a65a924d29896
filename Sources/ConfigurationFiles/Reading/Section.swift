/// One mapping of the configuration, read key by key; knows in the end which keys nobody asked for.
///
/// A key that is there without a value, or with an empty one, counts as absent, as it does in the original. What is
/// wrong goes to the findings, so that reading goes on and all mistakes are told at once.
package final class Section {
    /// From the top, as in `http.tls`; empty for the file itself.
    package let path: String
    /// Where its key stands.
    package let place: YAMLPlace
    /// Keys of a section, beyond which it is not looked for what each unknown one may have been meant for.
    private static let mostForAdvice = 1000
    private let findings: Findings
    private var entries: [String: YAMLNode.Entry] = [:]
    /// Keys with capital letters, by what they are in lower case.
    private var capitals: [String: String] = [:]
    private var asked: Set<String> = []
    private var children: [Section] = []
    /// Keys without which a protection would be off.
    private var protective: Set<String> = []
    private var refusesUnknownKeys = false

    package init(_ node: YAMLNode?, path: String, place: YAMLPlace, findings: Findings) {
        (self.path, self.place, self.findings) = (path, place, findings)
        guard let node, !node.isNull else { return }
        guard case .mapping(let list) = node.content else {
            findings.mistake(at: node.place, path, "is \(node.kind) where keys belong, each with a value: 'key: value'")
            return
        }
        // Go's decoder fills the second of two sections into the first, except where the key is a list of choices.
        var joined: [String: [YAMLNode.Entry]] = [:]
        for entry in list {
            let earlier = entries.updateValue(entry, forKey: entry.key)
            let isJoined = joined[entry.key] != nil
            if case .mapping(let own) = entry.value.content, !["storage", "auth"].contains(name(entry.key)) {
                joined[entry.key, default: []] += own
            } else {
                joined[entry.key] = nil
            }
            guard let earlier else { continue }
            let line = earlier.place.line
            warn(
                entry,
                isJoined && joined[entry.key] != nil
                    ? "is there twice: this is added to what line \(line) says"
                    : "is there twice: what line \(line) says does not count")
        }
        for (key, members) in joined { entries[key]?.value.content = .mapping(members) }
        for key in entries.keys where key != key.lowercased() { capitals[key.lowercased()] = key }
    }

    /// Notes that somebody asks for a key. If it is there in another letter case, that is a mistake, and the value is
    /// read all the same, so that nothing is said to be missing.
    private func ask(for key: String) {
        asked.insert(key)
        guard entries[key] == nil, let spelled = capitals[key], let entry = entries.removeValue(forKey: spelled)
        else { return }
        findings.mistake(at: entry.place, name(spelled), "keys are written in lower case: \(key)")
        entries[key] = entry
    }

    private func warn(_ entry: YAMLNode.Entry, _ text: String) {
        findings.warn(at: entry.place, name(entry.key), text)
    }

    private func name(_ key: String) -> String { path.isEmpty ? printable(key) : "\(path).\(printable(key))" }

    private func take(_ key: String) -> YAMLNode? {
        ask(for: key)
        guard let node = entries[key]?.value, !node.isNull else { return nil }
        if case .scalar("", _) = node.content { return nil }
        return node
    }

    // MARK: What is there

    /// Whether the section says anything.
    package var isThere: Bool { !entries.isEmpty }

    /// All keys, also those without a value.
    package var keys: [String] { entries.keys.sorted() }

    /// Keys that nobody has asked for yet.
    package var otherKeys: [String] { keys.filter { !asked.contains($0) } }

    /// Whether the key is there with a value, be it right or wrong.
    package func has(_ key: String) -> Bool { take(key) != nil }

    // MARK: Reading values

    /// The value of a key; nil if it is absent or, which is a mistake then, not of the kind.
    @discardableResult
    package func read<Value>(_ key: String, _ kind: ValueKind<Value>) -> Value? {
        guard let node = take(key) else { return nil }
        do {
            return try kind.read(node) { findings.warn(at: node.place, name(key), $0) }
        } catch {
            findings.mistake(at: error.place ?? node.place, name(key), error.message)
            return nil
        }
    }

    /// Leaves `target` as it is if the key is absent.
    package func read<Value>(_ key: String, _ kind: ValueKind<Value>, into target: inout Value) {
        if let value = read(key, kind) { target = value }
    }

    package func read<Value>(_ key: String, _ kind: ValueKind<Value>, into target: inout Value?) {
        if let value = read(key, kind) { target = value }
    }

    /// Leaves `target` as it is also if the value is `unset`, with which the original means that it is absent.
    package func read<Value: Equatable>(
        _ key: String, _ kind: ValueKind<Value>, into target: inout Value, unless unset: Value
    ) {
        if let value = read(key, kind), value != unset { target = value }
    }

    /// The value of a key that has to be there; nil, and a mistake, if it is not.
    ///
    /// - Parameter advice: what to write.
    package func require<Value>(_ key: String, _ kind: ValueKind<Value>, _ advice: String) -> Value? {
        if take(key) == nil { complain(key, "is missing: \(advice)") }
        return read(key, kind)
    }

    // MARK: Reading sections

    /// The mapping of a key; an empty one if the key is absent.
    ///
    /// - Parameter isChoice: whether a single name may stand for a mapping with that key: `storage: filesystem`.
    package func section(_ key: String, isChoice: Bool = false) -> Section {
        var node = take(key)
        if isChoice { node?.expandName() }
        return child(node, name(key), at: entries[key]?.place ?? place)
    }

    /// The mappings of a list; none if the key is absent.
    package func sections(_ key: String) -> [Section] {
        guard let node = take(key) else { return [] }
        guard case .sequence(let nodes) = node.content else {
            findings.mistake(at: node.place, name(key), "is \(node.kind) where a list belongs: begin each with '- '")
            return []
        }
        return nodes.enumerated().map { index, node in child(node, "\(name(key))[\(index)]", at: node.place) }
    }

    private func child(_ node: YAMLNode?, _ path: String, at place: YAMLPlace) -> Section {
        let section = Section(node, path: path, place: place, findings: findings)
        children.append(section)
        return section
    }

    // MARK: Saying what is wrong

    /// A mistake at a key, or at the section if the key is absent.
    package func complain(_ key: String, _ text: String) {
        ask(for: key)
        findings.mistake(at: entries[key]?.place ?? place, name(key), text)
    }

    /// A mistake of the section as a whole.
    package func complain(_ text: String) { findings.mistake(at: place, path, text) }

    /// A warning at a key, or at the section if the key is absent.
    package func warn(_ key: String, _ text: String) {
        ask(for: key)
        findings.warn(at: entries[key]?.place ?? place, name(key), text)
    }

    /// Warns if a key that cannot be honoured says anything.
    package func dismiss(_ key: String, _ reason: String) {
        if let node = take(key), node.saysSomething { warn(key, "does nothing here: \(reason)") }
    }

    /// Makes it a mistake if a key that cannot be honoured says anything, where it would restrict what is allowed.
    package func refuse(_ key: String, _ reason: String) {
        if let node = take(key), node.saysSomething { complain(key, "cannot be honoured: \(reason)") }
    }

    /// Makes it a mistake if a key is there and empty, where a protection would be off without a word.
    package func refuseEmpty(_ key: String, _ advice: String) {
        ask(for: key)
        if entries[key]?.value.isEmpty == true { complain(key, "is empty: \(advice)") }
    }

    /// Makes it a mistake if an unknown key may be a misspelling of one of these, which protect something.
    package func refuseMisspellings(of keys: String...) { protective.formUnion(keys) }

    /// Makes every unknown key a mistake. An environment variable is only one if it may be a misspelling: variables of
    /// other programs may begin alike.
    package func refuseUnknownKeys() { refusesUnknownKeys = true }

    /// Lets keys pass that need nothing done.
    package func accept(_ keys: String...) { keys.forEach(ask) }

    /// Lets all keys pass, for the section as a whole is wrong.
    package func discard() { asked.formUnion(entries.keys) }

    /// Warns of the keys that nobody asked for, here and in all sections below.
    package func finish() {
        if findings.isStrict {
            for entry in entries.values where asked.contains(entry.key) && take(entry.key) == nil {
                warn(entry, "has no value: write one, or leave the key out")
            }
        }
        for entry in entries.values where !asked.contains(entry.key) {
            let similar =
                entries.count > Self.mostForAdvice
                ? nil : closest(to: entry.key, of: asked.filter { entries[$0] == nil })
            let text = "is no key that dray knows, and does nothing" + (similar.map { "; is '\($0)' meant?" } ?? "")
            var variable: String?
            if case .variable(let name) = entry.place.origin, entry.place.line == 0 { variable = name }
            if refusesUnknownKeys && (variable == nil || similar != nil) || similar.map(protective.contains) == true {
                findings.mistake(at: entry.place, name(entry.key), text)
            } else if let variable {
                findings.ignored(variable: variable)
            } else {
                warn(entry, text)
            }
        }
        for child in children { child.finish() }
    }
}

extension YAMLNode {
    /// Makes the mapping `NAME:` of the single value `NAME`.
    package mutating func expandName() {
        guard !isNull, case .scalar(let name, _) = content else { return }
        content = .mapping([Entry(key: name, place: place, value: .null(at: place))])
    }
}
