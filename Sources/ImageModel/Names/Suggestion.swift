/// The word that was probably meant by a mistyped one.
package enum Suggestion {
    /// - Returns: the only word that begins with the text, or else the one that differs least from it: by a third of its
    ///   characters at most.
    package static func nearest(to text: String, in words: [String]) -> String? {
        let text = text.lowercased()
        let beginning = words.filter { text.count > 1 && $0.hasPrefix(text) }
        if beginning.count == 1 { return beginning[0] }
        let distances = words.map { (word: $0, distance: distance(Array(text.utf8), Array($0.utf8))) }
        let nearest = distances.min { $0.distance < $1.distance }
        return nearest.flatMap { $0.distance <= max(1, text.utf8.count / 3) ? $0.word : nil }
    }

    /// The number of bytes to insert, remove, replace or swap with the next one.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var rows = [Array(0...other.count)]
        for i in one.indices {
            var row = [i + 1]
            for j in other.indices {
                let replaced = rows[i][j] + (one[i] == other[j] ? 0 : 1)
                row.append(min(replaced, rows[i][j + 1] + 1, row[j] + 1))
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                    row[j + 1] = min(row[j + 1], rows[i - 1][j - 1] + 1)
                }
            }
            rows.append(row)
        }
        return rows[one.count][other.count]
    }
}
