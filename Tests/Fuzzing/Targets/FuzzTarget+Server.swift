import HTTPTypes
import ImageModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import RegistryServer

extension FuzzTarget {
    static let server = [
        FuzzTarget("requests") { bytes in
            let channel = EmbeddedChannel(handlers: [
                ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)),
                HTTP1ToHTTPServerCodec(secure: false),
            ])
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            while let part = try channel.readInbound(as: HTTPRequestPart.self) {
                if case .head(let request) = part { try read(request) }
            }
        },
        text("ranges") { text in
            if let range = ContentRange(text) {
                try promise("a range has a length", range.first >= 0 && range.count >= 0)
            }
            for size: Int64 in [0, 1, 1000, 1 << 53] {
                guard case .parts(let parts) = ByteRanges(text, size: size) else { continue }
                let areInside = parts.allSatisfy { !$0.isEmpty && $0.lowerBound >= 0 && $0.upperBound <= size }
                try promise("ranges lie within the content", !parts.isEmpty && areInside)
            }
        },
        text("tokens") { text in _ = try SignedToken(text[...]) },
        FuzzTarget("certificates") { bytes in _ = try TrustedKeys.thumbprints(of: [Base64.encode(bytes)]) },
        FuzzTarget("key-sets") { bytes in
            let keys = try TrustedKeys(bundle: nil, keySet: ("keys.json", bytes))
            _ = keys.problems
        },
    ]

    private static func read(_ request: HTTPRequest) throws {
        let target = RequestTarget(request.path ?? "/", prefix: "/")
        _ = RequestTarget(request.path ?? "/", prefix: "/registry/")
        if let endpoint = target.endpoint {
            let items = endpoint.accessItems(request.method, query: target.query)
            try promise("who names a repository needs to be allowed", endpoint.repository == nil || !items.isEmpty)
        }
        let address = PublicAddress(request, isSecure: false, ServerConfiguration.HTTP())
        try promise("an address ends no header", !address.url("/v2/").utf8.contains { [0, 10, 13].contains($0) })
        _ = BasicCredentials(request.headerFields[.authorization])
        _ = request.headerFields[.contentRange].map { ContentRange($0) }
    }
}
