/// Looks for another tar after the end of one: two archives that were written into one file, of which a reader would see
/// only the first.
struct TrailingArchive {
    /// Of the first block that is not zeros.
    private var block: [UInt8] = []
    private var position: Int64
    private var start: Int64?

    /// - Parameter position: where the bytes begin that are going to be added, from the start of the first tar.
    init(at position: Int64) { self.position = position }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        if start == nil {
            guard let first = rest.firstIndex(where: { $0 != 0 }) else {
                position += Int64(rest.count)
                return
            }
            let size = Int64(TarFormat.blockSize)
            let place = position + Int64(first - rest.startIndex)
            start = place / size * size
            block = Array(repeating: 0, count: Int(place % size))
            rest = rest[first...]
        }
        block += rest.prefix(TarFormat.blockSize - block.count)
    }

    /// Whether nothing more has to be seen.
    var isDecided: Bool { block.count == TarFormat.blockSize }

    /// Where the other tar begins; nil if there is none.
    var offset: Int64? { isDecided && block[257..<262].elementsEqual("ustar".utf8) ? start : nil }
}
