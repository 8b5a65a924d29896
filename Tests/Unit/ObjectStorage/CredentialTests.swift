import Foundation
import ImageModel
import ObjectStorage
import Synchronization
import Testing

/// Keys from the environment, profiles and programs. Those from services are tested with `Tests/scripted-bucket`.
struct StorageCredentialTests {
    /// Answers with whatever comes next.
    private final class Script: CredentialSource {
        private let answers: Mutex<[Result<AccessKeys?, ImageError>]>
        init(_ answers: [Result<AccessKeys?, ImageError>]) { self.answers = Mutex(answers) }
        func load() async throws -> AccessKeys? {
            try await Task.sleep(for: .milliseconds(5))
            return try answers.withLock { try $0.removeFirst().get() }
        }
    }

    private let failure = ImageError(.unauthorised, "no")

    @Test func theEnvironmentHasKeys() throws {
        #expect(try EnvironmentKeys(environment: [:]).load() == nil)
        #expect(try EnvironmentKeys(environment: ["AWS_ACCESS_KEY_ID": ""]).load() == nil)
        #expect(throws: ImageError.self) { try EnvironmentKeys(environment: ["AWS_ACCESS_KEY_ID": "a"]).load() }
        let keys = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"]
        #expect(try EnvironmentKeys(environment: keys).load() == AccessKeys(id: "a", secret: "s", token: "t"))
    }

    @Test func profilesHaveKeys() async throws {
        let workplace = try Workplace()
        try workplace.file(
            "credentials",
            Array(
                """
                [default]
                aws_access_key_id = d
                aws_secret_access_key = s
                [half]
                aws_access_key_id = h
                [token]
                aws_access_key_id = t
                aws_secret_access_key = s
                aws_session_token = tt
                """.utf8))
        try workplace.file(
            "config",
            Array(
                """
                [profile program]
                credential_process = printf '{"Version": 1, "AccessKeyId": "p", "SecretAccessKey": "s", \
                "Expiration": "2030-01-01T01:00:00+01:00"}'
                [profile failing]
                credential_process = echo s3cr3t; exit 1
                [profile silly]
                credential_process = echo s3cr3t
                [profile sso]
                sso_session = x
                """.utf8))
        let environment = [
            "AWS_CONFIG_FILE": workplace["config"], "AWS_SHARED_CREDENTIALS_FILE": workplace["credentials"],
        ]
        func load(_ profile: String?) async throws -> AccessKeys? {
            try await ProfileKeys(profile: profile, environment: environment).load()
        }
        #expect(try await load(nil) == AccessKeys(id: "d", secret: "s"))
        #expect(try await load("token") == AccessKeys(id: "t", secret: "s", token: "tt"))
        #expect(try await load("program") == AccessKeys(id: "p", secret: "s", expiry: 1_893_456_000))
        for name in ["half", "failing", "silly", "sso", "missing"] {
            await #expect {
                _ = try await load(name)
            } throws: {
                $0 is ImageError && !"\($0)".contains("s3cr3t")
            }
        }
    }

    @Test func theFirstSourceCounts() async throws {
        let cache = CredentialCache([Script([.success(nil)]), GivenKeys(keys: AccessKeys(id: "b", secret: "s"))])
        #expect(try await cache.keys().id == "b")
        await #expect(throws: ImageError.self) { _ = try await CredentialCache([Script([.success(nil)])]).keys() }
    }

    @Test func keysAreReplacedBeforeTheyExpire() async throws {
        let first = AccessKeys(id: "1", secret: "s", expiry: 5000)
        let second = AccessKeys(id: "2", secret: "s", expiry: 9000)
        let script = Script([
            .success(first), .failure(failure), .success(second), .failure(failure), .failure(failure),
        ])
        let clock = TestClock(1000)
        let cache = CredentialCache([script], clock: { clock.now })
        #expect(try await cache.keys() == first)
        clock.now = 4600
        #expect(try await cache.keys() == first)
        // They are about to expire, and cannot be replaced for now.
        clock.now = 4800
        #expect(try await cache.keys() == first)
        clock.now = 4805
        #expect(try await cache.keys() == first)
        clock.now = 4811
        #expect(try await cache.keys() == second)
        await cache.forget(first)
        #expect(try await cache.keys() == second)
        clock.now = 8990
        await #expect(throws: ImageError.self) { _ = try await cache.keys() }
    }

    @Test func keysAreLoadedOnceForAll() async throws {
        let cache = CredentialCache([Script([.success(AccessKeys(id: "1", secret: "s"))])])
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await cache.keys().id } }
            for try await id in group { #expect(id == "1") }
        }
    }

    private final class TestClock: Sendable {
        private let time: Mutex<Int>
        init(_ time: Int) { self.time = Mutex(time) }
        var now: Int {
            get { time.withLock { $0 } }
            set { time.withLock { $0 = newValue } }
        }
    }
}
