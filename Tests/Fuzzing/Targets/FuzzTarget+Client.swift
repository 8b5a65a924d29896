import NIOHTTP1
import RegistryClient

extension FuzzTarget {
    static let client = [
        text("challenges") { text in
            guard let registry = Address("https://a.example/v2/") else { return }
            for challenge in Challenge.parse(text) {
                let scope = Scope.push("a/b").union(challenge.parameters["scope"])
                try promise("a scope asked for again is the same", scope.union(challenge.parameters["scope"]) == scope)
                _ = registry.resolving(challenge.parameters["realm"] ?? "")
            }
        },
        text("addresses") { text in
            guard let base = Address("https://a.example:5000/v2/b?c=d") else { return }
            for address in [Address(text), base.resolving(text)] {
                guard let address else { continue }
                try promise("an address stays what it is", Address(address.text) == address)
                let longer = address.adding([("digest", "sha256:0")])
                try promise("what was added to a query is there", longer.target.hasSuffix("digest=sha256%3A0"))
                try promise("an address with more leads to the same host", longer.hasSameOrigin(as: address))
                _ = address.authority
            }
            let settings = ProxySettings { name in name == "NO_PROXY" ? text : name == "HTTPS_PROXY" ? text : nil }
            _ = try settings.proxy(for: base)
        },
        lines("answer-headers") { lines in
            guard let address = Address("https://a.example/v2/b/blobs/uploads/") else { return }
            let headers = HTTPHeaders(
                lines.compactMap { line in
                    let parts = line.split(separator: ":", maxSplits: 1)
                    return parts.count == 2 ? (String(parts[0]), String(parts[1].drop { $0 == " " })) : nil
                })
            _ = headers.location(from: address)
            let next = try? headers.nextPage(from: address)
            try promise("the next page is the same registry's", next?.hasSameOrigin(as: address) ?? true)
            _ = headers.contentType
            for count in [headers.length, headers.uploaded] { try promise("a length is one", count ?? 0 >= 0) }
            _ = headers.partStart
            try promise("a wait is not too long", headers.retryAfter ?? .zero <= .seconds(1 << 20))
        },
        FuzzTarget("answers") { bytes in
            let problem = RegistryProblem(bytes, isHTML: false)
            let text = RegistryProblem.short(problem.text)
            try promise("a problem is one short line", !text.contains(where: \.isNewline) && text.count <= 500)
            let answer = try TokenAnswer(bytes, name: "it")
            try promise(
                "a token lasts for a while", (.milliseconds(500)...(.seconds(86_400))).contains(answer.lifetime))
        },
    ]
}
