import ConfigurationFiles
import ImageModel

extension ServerConfiguration.Notifications {
    init(_ section: Section) {
        self.init()
        endpoints = section.sections("endpoints").compactMap { Endpoint($0) }
        section.section("events").read("includereferences", .flag, into: &includesReferences)
    }
}

extension ServerConfiguration.Notifications.Endpoint {
    private enum Action: String, CaseIterable { case pull, push, mount, delete }

    init?(_ section: Section) {
        let isOff = section.read("disabled", .flag) ?? false
        let address =
            isOff ? section.read("url", .askedURL) : section.require("url", .askedURL, "write where events are to go")
        // The name is in logs and metrics, and may be the URL.
        self.init(name: PrintableURL.value(section.read("name", .text) ?? section.path), url: address?.url ?? "")
        isDisabled = isOff
        section.read("headers", .headers, into: &headers)
        headers = address?.headers(headers) ?? headers
        section.read("timeout", .duration, into: &timeout, unless: .zero)
        section.read("threshold", .count, into: &threshold, unless: 0)
        section.read("backoff", .duration, into: &backoff, unless: .zero)
        let ignored = section.section("ignore")
        ignoredMediaTypes =
            (section.read("ignoredmediatypes", .texts) ?? []) + (ignored.read("mediatypes", .texts) ?? [])
        let actions = ValueKind.texts { (name) throws(Complaint) in
            if Action(rawValue: name) != nil { return }
            let names = Action.allCases.map(\.rawValue).joined(separator: ", ")
            throw Complaint("\(quoted(name)) is nothing that events tell of: write some of \(names)")
        }
        ignored.read("actions", actions, into: &ignoredActions)
        if address == nil { return nil }
    }
}
