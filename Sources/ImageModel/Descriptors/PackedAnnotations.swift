/// Annotations as they are kept in memory. Many are in one text: a dictionary takes a hundred bytes and more for each, and
/// a manifest may have hundreds of thousands that are empty.
struct PackedAnnotations: Hashable, Sendable {
    private enum Storage: Sendable {
        case dictionary([String: String])
        /// Keys and values by turns, each after its length in four bytes.
        case text([UInt8], count: Int)
    }

    /// The most that are kept in a dictionary.
    private static let mostUnpacked = 16
    private let storage: Storage

    init(_ annotations: [String: String]) {
        guard annotations.count > Self.mostUnpacked else {
            storage = .dictionary(annotations)
            return
        }
        var text: [UInt8] = []
        text.reserveCapacity(annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 8 })
        for (key, value) in annotations {
            for part in [key, value] {
                withUnsafeBytes(of: UInt32(part.utf8.count)) { text.append(contentsOf: $0) }
                text.append(contentsOf: part.utf8)
            }
        }
        storage = .text(text, count: annotations.count)
    }

    /// All of them, which takes as much time and memory as they are many.
    var dictionary: [String: String] {
        guard case .text(_, let count) = storage else { return small ?? [:] }
        var annotations = [String: String](minimumCapacity: count)
        forEach { key, value in
            annotations[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
            return true
        }
        return annotations
    }

    /// One of them, without the others.
    subscript(key: String) -> String? {
        guard case .text = storage else { return small?[key] }
        var found: String?
        let wanted = Array(key.utf8)
        forEach { key, value in
            guard key.elementsEqual(wanted) else { return true }
            found = String(decoding: value, as: UTF8.self)
            return false
        }
        return found
    }

    private var small: [String: String]? { if case .dictionary(let all) = storage { all } else { nil } }

    /// - Parameter body: takes a key and its value; returns whether it wants more.
    private func forEach(_ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool) {
        guard case .text(let text, _) = storage else { return }
        text.withUnsafeBytes { bytes in
            var position = 0
            func part() -> UnsafeRawBufferPointer {
                let start = position + 4
                let length = Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                position = start + length
                return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
            }
            while position < bytes.count {
                let key = part()
                guard body(key, part()) else { return }
            }
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        switch (left.storage, right.storage) {
        case (.dictionary(let left), .dictionary(let right)): left == right
        case (.text(let one, let ones), .text(let other, let others)):
            // The same ones may stand in another order.
            ones == others && one.count == other.count && (one == other || left.dictionary == right.dictionary)
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch storage {
        case .dictionary(let annotations): hasher.combine(annotations)
        case .text(let text, let count):
            hasher.combine(count)
            hasher.combine(text.count)
        }
    }
}

extension PackedAnnotations: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(dictionary)
    }
}
