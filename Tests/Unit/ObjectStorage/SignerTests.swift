import ImageModel
import ObjectStorage
import Testing

/// Signatures, against those that AWS publishes.
struct SignerTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var name = ""
        var flags: Set<String> = []
        var method = ""
        var target = ""
        var headers: [(name: String, value: String)] = []
        var body = ""
        var headerSignature = ""
        var querySignature = ""

        var testDescription: String { name }

        init(_ block: Substring) {
            let lines = block.split(separator: "\n")
            let title = lines[0].split(separator: " !")
            name = String(title[0])
            flags = Set(title.dropFirst().map(String.init))
            let space = lines[1].firstIndex(of: " ")!
            method = String(lines[1][..<space])
            target = String(lines[1][space...].dropFirst())
            for line in lines[2...] {
                switch line.prefix(2) {
                case "> ": body = String(line.dropFirst(2))
                case "= ": headerSignature = String(line.dropFirst(2))
                case "? ": querySignature = String(line.dropFirst(2))
                default:
                    let colon = line.firstIndex(of: ":")!
                    let value = line[colon...].dropFirst().replacing("⏎", with: "\n")
                    headers.append((String(line[..<colon]), String(value)))
                }
            }
        }

        /// S3 signs paths as they are; the services that these vectors are for normalise them first.
        private func path(_ raw: Substring) -> String {
            let encoded = KeyEncoding.path(String(raw))
            guard !flags.contains("verbatim") else { return encoded }
            var segments: [Substring] = []
            for segment in encoded.split(separator: "/") where segment != "." {
                if segment == ".." { _ = segments.popLast() } else { segments.append(segment) }
            }
            let path = "/" + segments.joined(separator: "/")
            return encoded.hasSuffix("/") && path != "/" ? path + "/" : path
        }

        var request: SignableRequest {
            let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let query = parts.count > 1 ? parts[1].split(separator: "&") : []
            return SignableRequest(
                method: method, path: path(parts[0]),
                query: query.map { item in
                    let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                        KeyEncoding.decode(String($0)) ?? ""
                    }
                    return (pair[0], pair.count > 1 ? pair[1] : "")
                }, headers: headers, payloadHash: SignableRequest.hash(body.utf8))
        }

        var signer: Signer {
            let token =
                flags.contains("short-token")
                ? SigningVectors.shortToken : flags.contains("long-token") ? SigningVectors.longToken : nil
            let keys = AccessKeys(
                id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token: token)
            return Signer(
                keys: keys, region: "us-east-1", service: "service", signsToken: !flags.contains("unsigned-token"))
        }
    }

    static let vectors = SigningVectors.text.split(separator: "\n\n").map(Vector.init)
    /// 2015-08-30T12:36:00Z
    private static let time = 1_440_938_160

    @Test func allVectorsAreThere() { #expect(Self.vectors.count == 38) }

    @Test(arguments: vectors) func signsHeaders(_ vector: Vector) throws {
        var request = vector.request
        if vector.flags.contains("signs-body") {
            request.headers.append(("x-amz-content-sha256", request.payloadHash))
        }
        vector.signer.sign(&request, at: Self.time)
        let authorization = try #require(request.headers.last)
        #expect(authorization.name == "authorization")
        #expect(authorization.value.hasSuffix("Signature=\(vector.headerSignature)"), "\(request.canonical)")
        let sent = request.headers.first { $0.name == "x-amz-security-token" }?.value
        #expect(sent == vector.signer.keys.token)
    }

    @Test(arguments: vectors) func signsURLs(_ vector: Vector) {
        var request = vector.request
        vector.signer.presign(&request, at: Self.time, for: 3600)
        #expect(request.query.last?.value == vector.querySignature, "\(request.canonical)")
    }

    /// Source: Amazon S3 API Reference, "Authenticating requests: query parameters", the example.
    @Test func signsTheExampleOfS3() {
        var request = SignableRequest(
            method: "GET", path: "/test.txt", headers: [("host", "examplebucket.s3.amazonaws.com")],
            payloadHash: SignableRequest.unsignedPayload)
        let keys = AccessKeys(id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        Signer(keys: keys, region: "us-east-1").presign(&request, at: 1_369_353_600, for: 86400)
        #expect(
            request.query.last?.value == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }

    @Test func keysAreNotDescribed() {
        let keys = AccessKeys(id: "AKID", secret: "s3cr3t", token: "t0ken")
        var dumped = ""
        dump(keys, to: &dumped)
        var options = StorageOptions(bucket: "images")
        options.keys = keys
        options.environment = ["AWS_SECRET_ACCESS_KEY": "s3cr3t"]
        dump(options, to: &dumped)
        for text in [
            "\(options)", String(reflecting: options), "\(keys)", String(reflecting: keys), dumped, "\([keys])",
            "\(Optional(keys) as Any)",
        ] {
            #expect(!text.contains("s3cr3t") && !text.contains("t0ken"), "\(text)")
        }
    }
}
