import ConfigurationFiles

extension ServerConfiguration.Validation {
    private enum Platforms: String, CaseIterable { case all, none, list }

    init(_ section: Section) {
        self.init()
        // The older key switches it on even where the newer one says otherwise, and never switches it off.
        let isOn = section.read("enabled", .flag)
        isDisabled = section.read("disabled", .flag) == true && isOn != true
        if isOn == false, !isDisabled { section.warn("enabled", "does not switch it off: write disabled: true") }

        let manifests = section.section("manifests")
        let urls = manifests.section("urls")
        urls.refuseUnknownKeys()
        for key in ["allow", "deny"] { urls.refuseEmpty(key, "write regular expressions, or leave the key out") }
        allowedURLs = urls.read("allow", .list(.expression)) ?? []
        deniedURLs = urls.read("deny", .list(.expression)) ?? []

        let indexes = manifests.section("indexes")
        let list = indexes.sections("platformlist").compactMap(Self.platform)
        let choice: Platforms? = indexes.read("platforms", .choice())
        switch choice {
        case .all, nil: indexPlatforms = .all
        case .some(.none): indexPlatforms = .none
        case .list: indexPlatforms = .list(list)
        }
        if choice == .list, !indexes.has("platformlist") {
            indexes.complain("platformlist", "is missing: write entries with architecture and os")
        } else if choice != .list, indexes.has("platformlist") {
            indexes.warn("platformlist", "does nothing without platforms: list")
        }
    }

    private static func platform(_ section: Section) -> (architecture: String, os: String)? {
        let architecture = section.require("architecture", .text, "write it as images do, such as amd64")
        let os = section.require("os", .text, "write it as images do, such as linux")
        guard let architecture, let os else { return nil }
        return (architecture, os)
    }
}
