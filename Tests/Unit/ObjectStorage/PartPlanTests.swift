import ObjectStorage
import Testing

/// The sizes of parts: equal, few enough, and large enough.
struct PartPlanTests {
    /// Bytes of an object, and MiB of a part.
    private static let sizes: [(Int64, Int)] = [
        (0, 16), (1 << 30, 16), (167_772_160_000, 16), (167_772_160_001, 17), (1 << 40, 105), (5 << 40, 525),
    ]

    @Test(arguments: sizes) func partsOfKnownSizesAreEqual(_ size: Int64, _ expected: Int) {
        let plan = PartPlan(expected: size, usual: 16 << 20, limit: 10_000)
        #expect(plan.size(of: 1) == expected << 20 && plan.size(of: 10_000) == expected << 20)
        #expect(plan.size(of: 10_001) == nil)
        #expect(Int64(expected << 20) * 10_000 >= size)
    }

    @Test func partsOfUnknownSizesGrow() {
        let plan = PartPlan(expected: nil, usual: 16 << 20, limit: 10_000)
        #expect(plan.size(of: 2000) == 16 << 20 && plan.size(of: 2001) == 64 << 20 && plan.size(of: 6001) == 256 << 20)
        #expect((1...10_000).reduce(0) { $0 + (plan.size(of: $1) ?? 0) } > 1 << 40)
        #expect(plan.size(of: 10_001) == nil)
    }

    @Test func fewPartsAreLarger() {
        let plan = PartPlan(expected: 100 << 30, usual: 16 << 20, limit: 1000)
        #expect(plan.size(of: 1000) == 103 << 20)
    }

    @Test func partsAreNeverTooSmall() {
        #expect(PartPlan(expected: 1, usual: 1, limit: 10_000).size(of: 1) == PartPlan.smallest)
    }
}
