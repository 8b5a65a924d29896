import Foundation
import Testing

/// What others notice of a flood: of logins, of connections that say little or nothing, of manifests that do not end,
/// and of requests to an upstream that does not answer.
@Suite(.serialized, .disabled(if: Server.Program.isOriginal)) struct FloodTests {
    @Test func pullsStayQuickAndMemorySmall() throws {
        let scratch = try Scratch()
        try Command.shell(
            "htpasswd -cBb -C 10 users alice secret && htpasswd -Bb -C 10 users mallory evil", in: scratch.path)
        let auth = "auth: {htpasswd: {realm: r, path: \(scratch["users"])}}"
        let upstream = try Server(in: scratch, root: scratch["upstream"])
        try upstream.push(.hello, to: "library/hello", as: "latest")
        let proxy = "proxy: {remoteurl: 'http://\(upstream.address)'}"
        let cache = try Server(.init(top: "\(auth)\n\(proxy)"), in: scratch, root: scratch["cache"])
        let alice = [("Authorization", "Basic \(Data("alice:secret".utf8).base64EncodedString())")]
        let manifest = "/v2/library/hello/manifests/latest"
        #expect(try cache.get(manifest, alice).body == TinyImage.hello.manifest)
        // The same store, so that the registry has the image without a push.
        let server = try Server(.init(top: auth), in: scratch, root: scratch["upstream"])
        upstream.suspend()
        defer { upstream.resume() }
        let flood = try Helper(
            "flood",
            [
                "--idle", "1000", "--slow", "500", "--logins", "600", "--manifests", "100", "--missing", "20",
                "mallory:evil", server.address, cache.address,
            ])
        for server in [server, cache] {
            var times: [Double] = []
            for _ in 0..<300 {
                let start = ContinuousClock.now
                #expect(try server.get(manifest, alice).body == TinyImage.hello.manifest)
                times.append((ContinuousClock.now - start) / .milliseconds(1))
            }
            times.sort()
            #expect(times[296] < 250, "the 99th percentile in ms; the median is \(times[150])")
            #expect(try server.peakMemory < 192 << 20)
        }
        withExtendedLifetime(flood) {}
    }
}
