/// A pattern as steps of a machine that follows all ways through it at once. Source: K. Thompson, "Regular Expression
/// Search Algorithm", 1968.
struct PatternProgram: Sendable {
    private enum Step: Sendable {
        case one(ByteSet)
        case start
        case end
        /// On either way.
        case fork(Int, Int)
        case jump(Int)
        case match
    }

    /// Steps that a pattern may take: `{n,m}` within `{n,m}` makes many.
    private static let limit = 10_000

    /// Whether the pattern has to fit all of a name.
    let isWhole: Bool
    private var steps: [Step] = []

    init(_ tree: PatternTree, isWhole: Bool) throws(ImageError) {
        self.isWhole = isWhole
        try compile(tree)
        try emit(.match)
    }

    private mutating func emit(_ step: Step) throws(ImageError) {
        guard steps.count < Self.limit else {
            throw ImageError.usage("the pattern is too large, with all that it repeats")
        }
        steps.append(step)
    }

    private mutating func compile(_ tree: PatternTree) throws(ImageError) {
        switch tree {
        case .one(let set): try emit(.one(set))
        case .start: try emit(.start)
        case .end: try emit(.end)
        case .sequence(let parts): for part in parts { try compile(part) }
        case .choice(let choices):
            var ends: [Int] = []
            for choice in choices.dropLast() {
                let fork = steps.count
                try emit(.match)
                try compile(choice)
                ends.append(steps.count)
                try emit(.match)
                steps[fork] = .fork(fork + 1, steps.count)
            }
            if let last = choices.last { try compile(last) }
            for end in ends { steps[end] = .jump(steps.count) }
        case .repeated(let part, let least, let most):
            for _ in 0..<least {
                let start = steps.count
                try compile(part)
                // What is empty stays so however often: no limit on steps would end what takes none.
                if steps.count == start { break }
            }
            guard let most else {
                let fork = steps.count
                try emit(.match)
                try compile(part)
                try emit(.jump(fork))
                steps[fork] = .fork(fork + 1, steps.count)
                return
            }
            var forks: [Int] = []
            for _ in least..<most {
                forks.append(steps.count)
                try emit(.match)
                try compile(part)
            }
            for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
        }
    }

    func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        var here: [Int] = []
        var next: [Int] = []
        var waiting: [Int] = []
        // After how many bytes each step was last entered, and one more.
        var entered = [Int](repeating: 0, count: steps.count)
        var count = 1
        var hasMatched = false
        /// Adds a step and all that it leads to without another byte.
        func enter(_ step: Int, atStart: Bool, atEnd: Bool, _ list: inout [Int]) {
            waiting.append(step)
            while let step = waiting.popLast() {
                guard entered[step] != count else { continue }
                entered[step] = count
                switch steps[step] {
                case .one: list.append(step)
                case .start: if atStart { waiting.append(step + 1) }
                case .end: if atEnd { waiting.append(step + 1) }
                case .fork(let one, let other):
                    waiting.append(other)
                    waiting.append(one)
                case .jump(let target): waiting.append(target)
                case .match: if atEnd || !isWhole { hasMatched = true }
                }
            }
        }
        enter(0, atStart: true, atEnd: name.isEmpty, &here)
        var rest = name.count
        for byte in name {
            if hasMatched { return true }
            rest -= 1
            count += 1
            next.removeAll(keepingCapacity: true)
            for step in here {
                guard case .one(let set) = steps[step], set.contains(byte) else { continue }
                enter(step + 1, atStart: false, atEnd: rest == 0, &next)
            }
            if !isWhole { enter(0, atStart: false, atEnd: rest == 0, &next) }
            swap(&here, &next)
        }
        return hasMatched
    }
}
