import ConfigurationFiles

extension ServerConfiguration.Log {
    /// - Parameter oldLevel: of the older key at the top, `loglevel`.
    init(_ section: Section, oldLevel: Level?) {
        self.init()
        level = section.read("level", .choice()) ?? oldLevel ?? level
        section.read("formatter", .choice(), into: &formatter)
        section.read("fields", .fields, into: &fields)
        hasAccessLog = section.section("accesslog").read("disabled", .flag) != true
        section.dismiss("hooks", "dray sends no mail; errors are in its log")
        section.dismiss("reportcaller", "lines of the log do not name source code")
    }
}
