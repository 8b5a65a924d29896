import Foundation
import ImageModel
import ObjectStorage
import Testing

/// Keys from the services of a cloud, which `Tests/scripted-bucket` plays.
struct StorageRoleTests {
    private let server: ScriptedBucket

    init() throws { server = try ScriptedBucket() }

    /// The access keys that requests are signed with.
    private func keys(_ environment: [String: String], calls: Int = 1) async throws -> [String] {
        let bucket = try server.bucket {
            $0.keys = nil
            $0.environment = environment
        }
        for _ in 0..<calls { try await bucket.put("a", [1]) }
        return try server.requests.compactMap { request in
            request.headers["authorization"]?.firstMatch(of: /Credential=([^\/]+)\//).map { String($0.1) }
        }
    }

    @Test func instancesHaveARole() async throws {
        let environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.endpoint]
        #expect(try await keys(environment, calls: 3) == ["instance-key", "instance-key", "instance-key"])
        #expect(try server.requests.allSatisfy { $0.headers["x-amz-security-token"] == "role-token" })
    }

    @Test func keysThatExpireSoonAreReplaced() async throws {
        try server.fail("short-keys", times: 2)
        let environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.endpoint]
        #expect(try await keys(environment, calls: 3).count == 3)
    }

    @Test func containersHaveARole() async throws {
        let scratch = try Scratch()
        try scratch.write("container-token\n", to: "token")
        let address = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(server.endpoint)/container-role"]
        #expect(
            try await keys(address.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": scratch["token"]]) { $1 })
                == ["container-key"])
        for token in ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/no"] {
            await #expect {
                _ = try await keys(address.merging([token.key: token.value]) { $1 })
            } throws: {
                ($0 as? ImageError)?.code == .unauthorised
            }
        }
        await #expect(throws: ImageError.self) {
            _ = try await keys(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://elsewhere.example.org/role"])
        }
    }

    @Test func podsHaveAWebIdentity() async throws {
        let scratch = try Scratch()
        try scratch.write("web-token", to: "token")
        var environment = [
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": scratch["token"],
            "AWS_ENDPOINT_URL_STS": "\(server.endpoint)/sts",
        ]
        #expect(try await keys(environment) == ["web-key"])
        environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/other"
        await #expect {
            _ = try await keys(environment)
        } throws: {
            "\($0)".contains("AccessDenied for the role arn:aws:iam::1:role/other") && !"\($0)".contains("web-token")
        }
    }

    @Test func missingKeysAreAnError() async throws {
        await #expect {
            _ = try await keys(["AWS_EC2_METADATA_DISABLED": "true"])
        } throws: {
            "\($0)".hasPrefix("S3 credentials are missing; set AWS_ACCESS_KEY_ID")
        }
    }
}
