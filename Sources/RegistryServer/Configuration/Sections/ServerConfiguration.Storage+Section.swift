import ConfigurationFiles

extension ServerConfiguration.Storage {
    init(_ section: Section) {
        let filesystem = section.section("filesystem")
        self.init(root: filesystem.read("rootdirectory", .directory) ?? "/var/lib/registry")
        // Threads and caches are dray's own affair, and from a file system nobody is redirected elsewhere.
        filesystem.read("maxthreads", .count)
        section.section("redirect").read("disable", .flag)
        section.section("tag").read("concurrencylimit", .count)
        section.accept("cache")
        section.section("delete").read("enabled", .flag, into: &allowsDeletion)

        let maintenance = section.section("maintenance")
        maintenance.refuseEmpty("readonly", "pushes would be taken; write enabled: true or false in it")
        let readOnly = maintenance.section("readonly")
        readOnly.refuseUnknownKeys()
        readOnly.refuseEmpty("enabled", "pushes would be taken; write true or false")
        readOnly.read("enabled", .flag, into: &isReadOnly)
        purging = .init(maintenance.section("uploadpurging"))

        let advice = "write storage: filesystem: rootdirectory: DIRECTORY"
        let drivers = section.otherKeys
        for driver in drivers {
            section.complain(driver, "there is no such storage here; dray keeps images in the file system: \(advice)")
        }
        if drivers.isEmpty, !section.keys.contains("filesystem") {
            section.complain("filesystem", "is missing: \(advice)")
        }
    }
}

extension ServerConfiguration.Purging {
    /// nil: off.
    init?(_ section: Section) {
        self.init()
        let isOn = section.read("enabled", .flag) ?? true
        section.read("age", .duration, into: &age)
        section.read("interval", .duration, into: &interval, unless: .zero)
        section.read("dryrun", .flag, into: &isDryRun)
        if !isOn { return nil }
    }
}
