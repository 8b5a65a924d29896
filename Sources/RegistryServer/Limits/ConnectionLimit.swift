import Logging

extension ServerConfiguration.Connections {
    /// Lower limits, if the process may not open enough files. A busy connection has up to four: its own, that of the
    /// file and a duplicate, and one to an upstream. They must not run out: libdispatch ends the process when it cannot
    /// read `/proc`, which it does every second.
    ///
    /// - Parameter files: the limit on open files.
    func limited(byFiles files: Int, _ logger: Logger) -> Self {
        let possible = max(1, (files - 128) / 4)
        guard possible < most else { return self }
        logger.info(
            "http.connections.max is \(possible), not \(most): this process may open \(files) files; raise LimitNOFILE")
        var limited = self
        limited.most = possible
        limited.mostOfClient = min(mostOfClient, max(1, possible / 4))
        return limited
    }
}
