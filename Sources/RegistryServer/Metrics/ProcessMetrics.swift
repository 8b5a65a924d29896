import Glibc

/// This process, as the kernel sees it: the families `process_*` of Prometheus' own libraries.
///
/// Source: Prometheus, "Writing client libraries", process metrics; proc(5).
enum ProcessMetrics {
    static func write(to text: inout PrometheusText) {
        let process = Status()
        let limits = lines(of: "/proc/self/limits")
        func limit(_ name: String) -> Double? {
            let line = limits.first { $0.hasPrefix(name) }
            guard let soft = line?.dropFirst(name.count).split(separator: " ").first else { return nil }
            return soft == "unlimited" ? Double(UInt64.max) : Double(soft)
        }
        let families: [(name: String, type: String, help: String, value: Double?)] = [
            ("cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", process.processorTime),
            ("max_fds", "gauge", "Maximum number of open file descriptors.", limit("Max open files")),
            ("open_fds", "gauge", "Number of open file descriptors.", openFiles()),
            ("resident_memory_bytes", "gauge", "Resident memory size in bytes.", process.residentMemory),
            (
                "start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.",
                process.startTime
            ),
            ("virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", process.virtualMemory),
            (
                "virtual_memory_max_bytes", "gauge", "Maximum amount of virtual memory available in bytes.",
                limit("Max address space")
            ),
        ]
        for (name, type, help, value) in families {
            guard let value else { continue }
            text.family("process_\(name)", type, help)
            text.value("process_\(name)", [], value)
        }
    }

    /// `/proc/self/stat`
    private struct Status {
        private var fields: [Substring] = []

        init() {
            guard let line = lines(of: "/proc/self/stat").first, let name = line.lastIndex(of: ")") else { return }
            // The name of the program comes before, in parentheses, and may hold spaces.
            fields = line[line.index(after: name)...].split(separator: " ")
        }

        /// - Parameter number: as proc(5) counts.
        private func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
        }

        private static let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        private static let pageSize = Double(max(1, sysconf(Int32(_SC_PAGESIZE))))
        /// Seconds since 1970. `/proc/stat` has it, too, but not for a service that sees processes only.
        private static let bootTime = seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME)

        private static func seconds(_ clock: clockid_t) -> Double {
            var time = timespec()
            clock_gettime(clock, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }

        var processorTime: Double? { field(14).flatMap { user in field(15).map { (user + $0) / Self.ticks } } }
        var startTime: Double? { field(22).map { Self.bootTime + $0 / Self.ticks } }
        var virtualMemory: Double? { field(23) }
        var residentMemory: Double? { field(24).map { $0 * Self.pageSize } }
    }

    private static func openFiles() -> Double? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Without `.`, `..`, and the directory itself.
        return Double(max(0, count - 3))
    }

    /// - Returns: nothing where the file cannot be read.
    private static func lines(of path: String) -> [Substring] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 4 << 20 {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}
