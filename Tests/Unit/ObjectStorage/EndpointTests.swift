import Foundation
import ImageModel
import ObjectStorage
import Testing

/// Where a bucket is, from options, environment and profile.
struct EndpointTests {
    private func endpoint(
        _ bucket: String = "images", _ environment: [String: String] = [:],
        _ change: (inout StorageOptions) -> Void = { _ in }
    ) throws -> Endpoint {
        var options = StorageOptions(bucket: bucket)
        options.environment = environment
        change(&options)
        return try Endpoint(options, profile: Profile(options.profile, environment: environment))
    }

    @Test func awsUsesTheHostName() throws {
        let place = try endpoint("images", ["AWS_REGION": "eu-central-1"])
        #expect(place.address.origin == "https://images.s3.eu-central-1.amazonaws.com" && place.path("a b") == "/a%20b")
        #expect(place.path(nil) == "/" && place.isAWS)
        let dotted = try endpoint("my.images", ["AWS_DEFAULT_REGION": "cn-north-1"])
        #expect(dotted.address.origin == "https://s3.cn-north-1.amazonaws.com.cn" && dotted.path("a") == "/my.images/a")
    }

    @Test func awsHasOtherEndpoints() throws {
        let region = ["AWS_REGION": "us-west-2"]
        #expect(
            try endpoint("b1b", region) { $0.usesDualStack = true }.address.host
                == "b1b.s3.dualstack.us-west-2.amazonaws.com")
        #expect(
            try endpoint("b1b", region) { $0.usesFIPS = true }.address.host == "b1b.s3-fips.us-west-2.amazonaws.com")
        #expect(
            try endpoint("b1b", region) { $0.usesAcceleration = true }.address.host == "b1b.s3-accelerate.amazonaws.com"
        )
    }

    @Test func customEndpointsUseThePath() throws {
        let place = try endpoint { $0.endpoint = "http://127.0.0.1:9000/base/" }
        #expect(place.address.origin == "http://127.0.0.1:9000" && place.path("a/b") == "/base/images/a/b")
        #expect(place.path(nil) == "/base/images" && place.region == "us-east-1" && !place.isAWS)
        let host = try endpoint {
            $0.endpoint = "http://s3.localhost:9000"
            $0.usesPathStyle = false
        }
        #expect(host.address.authority == "images.s3.localhost:9000" && host.path("a") == "/a")
        #expect(try host.replacing("https://public.example.org").address.origin == "https://images.public.example.org")
    }

    @Test func optionsWinOverTheEnvironment() throws {
        let environment = ["AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3", "AWS_REGION": "r-1"]
        #expect(try endpoint("images", environment).name == "http://s3")
        let place = try endpoint("images", environment) {
            $0.endpoint = "http://given"
            $0.region = "r-2"
        }
        #expect(place.name == "http://given" && place.region == "r-2")
        let ignored = environment.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
        #expect(try endpoint("images", ignored).isAWS)
    }

    @Test func profilesHaveSettings() throws {
        let workplace = try Workplace()
        try workplace.file(
            "config",
            Array(
                """
                [profile work]
                region = eu-north-1
                services = local
                s3 =
                  addressing_style = virtual
                [services local]
                s3 =
                  endpoint_url = http://s3.work:8000
                """.utf8))
        let environment = ["AWS_CONFIG_FILE": workplace["config"], "AWS_PROFILE": "work", "HOME": workplace.path]
        let place = try endpoint("images", environment)
        #expect(place.address.authority == "images.s3.work:8000" && place.region == "eu-north-1")
        #expect(throws: ImageError.self) { try endpoint("images", environment.merging(["AWS_PROFILE": "no"]) { $1 }) }
    }

    @Test(arguments: ["", "a/b", "..", "a..b", "a b", "é", String(repeating: "a", count: 256)])
    func refusesBucketNames(_ name: String) {
        #expect(throws: ImageError.self) { try endpoint(name, ["AWS_REGION": "r-1"]) }
    }

    @Test func saysWhatIsMissing() {
        #expect(throws: ImageError.usage("bucket images: the region is missing; set region or AWS_REGION")) {
            try endpoint()
        }
        #expect {
            try endpoint { $0.endpoint = "http://user:pass@host" }
        } throws: {
            !"\($0)".contains("pass")
        }
    }
}
