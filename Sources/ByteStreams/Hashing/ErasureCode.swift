#if ISAL
    import CISAL
#endif

/// Reed-Solomon over bytes, as ISA-L computes it: from some shards of one length, others.
///
/// The generator is the Cauchy matrix of `gf_gen_cauchy1_matrix` over GF(2^8) (polynomial 0x11d), so that of `data`
/// shards and `parity` more, any `data` suffice. Source: ISA-L, erasure_code.h.
package final class ErasureCode {
    /// Shards in all.
    package static let shardLimit = 255

    /// That ISA-L is not built in.
    package struct Unavailable: Error, CustomStringConvertible {
        package let description =
            "recovery volumes need ISA-L, and this dray was built without it: build it with the trait ISAL, which is the default"
    }

    private let inputs: Int
    private let outputs: Int
    private var tables: [UInt8] = []

    /// Makes lost shards anew.
    ///
    /// - Parameters:
    ///   - wanted: numbers of shards from 0; those of parity follow those of data.
    ///   - present: likewise, as many as there are data shards, in the order in which they will be given.
    /// - Throws: `Unavailable`.
    package init(making wanted: [Int], from present: [Int], data: Int, parity: Int) throws {
        precondition(present.count == data && data + parity <= Self.shardLimit)
        inputs = data
        outputs = wanted.count
        #if ISAL
            var generator = [UInt8](repeating: 0, count: (data + parity) * data)
            gf_gen_cauchy1_matrix(&generator, Int32(data + parity), Int32(data))
            func row(_ shard: Int) -> ArraySlice<UInt8> { generator[shard * data..<(shard + 1) * data] }
            var matrix = present.flatMap { row($0) }
            var inverse = [UInt8](repeating: 0, count: data * data)
            // Every square part of it has an inverse.
            precondition(gf_invert_matrix(&matrix, &inverse, Int32(data)) == 0)
            var coefficients = wanted.flatMap { shard in
                let row = Array(row(shard))
                return (0..<data).map { column in
                    (0..<data).reduce(UInt8(0)) { $0 ^ gf_mul(row[$1], inverse[$1 * data + column]) }
                }
            }
            tables = [UInt8](repeating: 0, count: 32 * data * wanted.count)
            ec_init_tables(Int32(data), Int32(wanted.count), &coefficients, &tables)
        #else
            throw Unavailable()
        #endif
    }

    /// Computes the parity of data.
    package convenience init(data: Int, parity: Int) throws {
        try self.init(making: Array(data..<data + parity), from: Array(0..<data), data: data, parity: parity)
    }

    /// - Parameters:
    ///   - sources: the shards that are there, in the order that was announced.
    ///   - targets: those to be made; all of one length.
    package func run(_ sources: [UnsafeMutableRawBufferPointer], _ targets: [UnsafeMutableRawBufferPointer]) {
        precondition(sources.count == inputs && targets.count == outputs)
        #if ISAL
            var from: [UnsafeMutablePointer<UInt8>?] = sources.map {
                $0.baseAddress?.assumingMemoryBound(to: UInt8.self)
            }
            var to: [UnsafeMutablePointer<UInt8>?] = targets.map { $0.baseAddress?.assumingMemoryBound(to: UInt8.self) }
            ec_encode_data(Int32(sources[0].count), Int32(inputs), Int32(outputs), &tables, &from, &to)
        #endif
    }
}
