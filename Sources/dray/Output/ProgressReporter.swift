import ImageTransfer

/// Watches a transfer and says how far it is, until it is stopped.
struct ProgressReporter {
    private let watcher: Task<Void, Never>?

    /// One JSON line.
    private struct Line: Encodable {
        var event = "progress"
        var bytesMoved: Int64
        var bytesPlanned: Int64
        var bytesPerSecond: Int64
        var seconds: Double
        var imagesDone: Int
        var imagesPlanned: Int
        var done: Bool
    }

    init(_ progress: Progress, console: Console) {
        let style = console.progressStyle.resolved(for: console)
        watcher = style == .none ? nil : Task { await Self.watch(progress, style, console) }
    }

    /// Says the last word, and clears the line.
    func stop() async {
        watcher?.cancel()
        await watcher?.value
    }

    private static func watch(_ progress: Progress, _ style: ProgressStyle, _ console: Console) async {
        let start = ContinuousClock.now
        var recent: [(seconds: Double, moved: Int64)] = [(0, 0)]
        func state() -> ProgressState {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let moved = progress.moved
            recent.append((seconds, moved))
            // The rate of the last ten looks.
            if recent.count > 10 { recent.removeFirst() }
            let span = seconds - recent[0].seconds
            let rate = span > 0 ? Double(moved - recent[0].moved) / span : 0
            return ProgressState(
                moved: moved, planned: progress.planned, rate: rate, seconds: seconds,
                imagesDone: progress.imagesDone, images: progress.images)
        }
        let interval: Duration = style == .bar ? .milliseconds(200) : style == .json ? .seconds(1) : .seconds(5)
        while (try? await Task.sleep(for: interval)) != nil {
            say(state(), style, console)
        }
        var last = state()
        last.rate = last.seconds > 0 ? Double(last.moved) / last.seconds : 0
        say(last, style, console, isLast: true)
    }

    private static func say(_ state: ProgressState, _ style: ProgressStyle, _ console: Console, isLast: Bool = false) {
        switch style {
        case .bar:
            console.status.show(isLast ? "" : state.line(width: console.status.width))
            if isLast, !state.isIdle { console.status.print("dray: \(state.summary)") }
        case .plain:
            if !(isLast && state.isIdle) { console.status.print("dray: \(isLast ? state.summary : state.text)") }
        case .json:
            let line = Line(
                bytesMoved: state.moved, bytesPlanned: state.planned, bytesPerSecond: Int64(state.rate),
                seconds: (state.seconds * 1000).rounded() / 1000,
                imagesDone: state.imagesDone, imagesPlanned: state.images, done: isLast)
            console.line(line)
        case .auto, .none: break
        }
    }
}
