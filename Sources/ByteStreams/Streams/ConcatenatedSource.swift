/// Several sources as one, in their order.
package final class ConcatenatedSource: ByteSource {
    private var rest: ArraySlice<any ByteSource>

    package init(_ sources: [any ByteSource]) { rest = sources[...] }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while let first = rest.first {
            let count = try first.read(into: buffer)
            if count > 0 { return count }
            rest.removeFirst()
        }
        return 0
    }
}
