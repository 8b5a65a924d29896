import Foundation
import Testing

/// Habits of registries that many people use, each with its source, and what dray does about it.
struct RegistryHabitTests {
    struct Habit: Sendable, CustomTestStringConvertible {
        enum Action: Sendable {
            /// An image is pushed and pulled again.
            case roundTrip
            /// A docker-archive is pushed, for which dray makes the manifest.
            case pushArchive
            case pull
            /// The same tag is pushed twice, with different images.
            case pushTwice
            case listTags
            case listRepositories
        }

        var registry: String
        var habit: String
        var source: String
        /// Of the scripted registry.
        var faults: [String]
        /// `USER:PASSWORD`, or `identity:TOKEN`.
        var account: String?
        var action: Action
        var status: Int32 = 0
        /// Of the messages.
        var words: [String] = []

        var testDescription: String { "\(registry): \(habit)" }
    }

    private static let user = "user:s3cr3t-pass"

    static let habits: [Habit] = [
        Habit(
            registry: "ECR", habit: "the password is a token of some 2,400 characters, by Basic",
            source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html",
            faults: ["basic-long"], account: "AWS:" + String(repeating: "e", count: 2400), action: .roundTrip),
        Habit(
            registry: "ECR", habit: "layers are redirected to S3, which takes no Authorization beside its signature",
            source: "https://github.com/open-policy-agent/opa/issues/6580",
            faults: ["basic", "redirect"], account: user, action: .roundTrip),
        Habit(
            registry: "ECR", habit: "a repository has to be created before it is pushed to",
            source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html",
            faults: ["basic", "no-repository"], account: user, action: .pushArchive, status: 4,
            words: ["NAME_UNKNOWN", "created first"]),
        Habit(
            registry: "ECR", habit: "tags may be immutable",
            source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
            faults: ["basic", "immutable"], account: user, action: .pushTwice, status: 1, words: ["immutable"]),
        Habit(
            registry: "GAR", habit: "chunked uploads (PATCH) are unsupported",
            source: "https://cloud.google.com/artifact-registry/docs/reference/docker-api",
            faults: ["token", "no-patch"], account: user, action: .roundTrip),
        Habit(
            registry: "GAR", habit: "tags/list holds every manifest of the repository, on one page",
            source: "https://github.com/google/go-containerregistry/issues/897",
            faults: ["tags-of-google"], action: .listTags),
        Habit(
            registry: "GAR", habit: "a blob that has just been pushed is unknown for a moment",
            source: "https://github.com/cloudfoundry/korifi/issues/2381",
            faults: ["late-blobs"], action: .roundTrip),
        Habit(
            registry: "ACR", habit: "az acr login leaves an identity token, which is posted for access tokens",
            source: "https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md",
            faults: ["token"], account: "identity:of-azure", action: .roundTrip),
        Habit(
            registry: "ACR", habit: "an upload whose connection broke cannot be resumed",
            source: "https://github.com/Azure/azure-sdk-for-java/issues/34276",
            faults: ["token", "cut-uploads", "forgets-uploads"], account: user, action: .roundTrip),
        Habit(
            registry: "Quay", habit: "the next page of tags has an opaque, escaped token",
            source: "https://github.com/deitch/docker_registry2/issues/56",
            faults: ["pages-of-quay"], action: .listTags),
        Habit(
            registry: "Quay", habit: "JSON comes gzipped although no coding was asked for",
            source: "https://github.com/quay/quay/issues/1310",
            faults: ["encoded-gzip"], action: .roundTrip),
        Habit(
            registry: "Quay", habit: "two tags of one manifest that are put at once may be refused: each is put once",
            source: "https://github.com/GoogleContainerTools/jib/issues/2470",
            faults: ["slow-links"], action: .roundTrip),
        Habit(
            registry: "Harbor", habit: "the catalog is for administrators",
            source: "https://github.com/goharbor/harbor/issues/18414",
            faults: ["no-catalog"], action: .listRepositories, status: 5, words: ["401", "name one"]),
        Habit(
            registry: "Harbor", habit: "the catalog takes a password by Basic, and no token",
            source: "https://github.com/goharbor/harbor/issues/13573",
            faults: ["token", "catalog-by-password"], account: user, action: .listRepositories),
        Habit(
            registry: "Harbor", habit: "public projects are answered anonymously, the others are hidden",
            source: "https://goharbor.io/docs/2.0.0/working-with-projects/create-projects/",
            faults: ["anonymous-hides"], account: user, action: .roundTrip),
        Habit(
            registry: "Harbor", habit: "a balancer before it redirects pushes (307)",
            source: "https://github.com/goharbor/harbor/issues/2473",
            faults: ["moved"], action: .roundTrip),
        Habit(
            registry: "GitLab", habit: "tokens come from another host than the registry's",
            source: "https://github.com/containers/image/issues/1265",
            faults: ["token", "token-elsewhere"], account: user, action: .roundTrip),
        Habit(
            registry: "GitLab", habit: "HEAD of a manifest is redirected to a URL that is signed for GET",
            source: "https://github.com/moby/moby/issues/50065",
            faults: ["signed-manifests"], action: .roundTrip),
        Habit(
            registry: "Artifactory", habit: "Link leaves out the repository key",
            source: "https://github.com/renovatebot/renovate/issues/35917 (RTFACT-18971)",
            faults: ["pages-of-artifactory"], action: .listTags),
        Habit(
            registry: "Artifactory", habit: "uploads in one PUT may be refused: PATCH is required",
            source: "https://github.com/containerd/containerd/issues/3533 (RTFACT-19344)",
            faults: ["no-put-body"], action: .roundTrip),
        Habit(
            registry: "Nexus", habit: "Link names a path that the connector's port does not have",
            source: "https://github.com/sonatype/nexus-public/issues/1011",
            faults: ["pages-of-nexus"], action: .listTags),
        Habit(
            registry: "Nexus", habit: "anonymous access beside accounts: the password counts where it is given",
            source: "https://github.com/savoirfairelinux/ansible-nexus3-oss/pull/27",
            faults: ["anonymous-too"], account: user, action: .roundTrip),
        Habit(
            registry: "GHCR", habit: "a large upload is unknown once it is finished: the blob is looked for",
            source: "https://github.com/GoogleContainerTools/jib/issues/4301",
            faults: ["token", "late-finish"], account: user, action: .roundTrip),
        Habit(
            registry: "GHCR", habit: "HEAD of a blob is redirected to storage that refuses it",
            source: "https://github.com/containerd/stargz-snapshotter/pull/167",
            faults: ["token", "signed-blobs"], account: user, action: .roundTrip),
        Habit(
            registry: "Docker Hub", habit: "pulls are limited: 429 with the limit in a header",
            source: "https://docs.docker.com/docker-hub/usage/pulls/",
            faults: ["limited"], action: .pull, status: 1, words: ["429", "pull rate limit", "100;w=21600"]),
        Habit(
            registry: "Docker Hub", habit: "wrong credentials are refused by the token service, for public images too",
            source: "https://distribution.github.io/distribution/spec/auth/token/",
            faults: ["token", "token-denied"], account: user, action: .pull, status: 5, words: ["401", "dray login"]),
        Habit(
            registry: "Docker Hub", habit: "there is no catalog",
            source: "https://github.com/regclient/regclient/issues/539",
            faults: ["no-catalog"], action: .listRepositories, status: 5, words: ["name one"]),
        Habit(
            registry: "zot", habit: "schema2 manifests are refused: 400 MANIFEST_INVALID",
            source: "https://github.com/project-zot/zot/issues/2234",
            faults: ["oci-only"], action: .pushArchive, words: ["pushed as OCI"]),
        Habit(
            registry: "zot", habit: "schema2 manifests are refused: 415 without a body",
            source: "https://github.com/project-zot/zot/pull/596",
            faults: ["oci-only-415"], action: .pushArchive, words: ["pushed as OCI"]),
    ]

    @Test func everyRegistryHasARowWithItsSource() {
        let registries = [
            "ECR", "GAR", "ACR", "Quay", "Harbor", "GitLab", "Artifactory", "Nexus", "GHCR", "Docker Hub", "zot",
        ]
        #expect(Set(Self.habits.map(\.registry)) == Set(registries))
        #expect(Self.habits.allSatisfy { $0.source.hasPrefix("https://") })
    }

    @Test(arguments: habits)
    func habitsAreMet(_ habit: Habit) throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(habit.faults, scratch: scratch, cuts: 3)
        let archive = try Samples.archive(scratch)
        let layout = "oci:\(scratch["layout"]):1"
        try Command.succeed("copy", archive, layout)
        let target = "docker://\(registry.address)/team/app"
        let login = try login(habit.account, at: registry.address, scratch)
        func dray(_ arguments: String...) throws -> Command {
            try Command.shell("\(login) $DRAY \(arguments.joined(separator: " "))")
        }

        let result: Command
        switch habit.action {
        case .roundTrip:
            let pushed = try dray("copy --jobs 1", layout, "\(target):1")
            try #require(pushed.status == 0, "\(pushed.errors)")
            result = try dray("copy --strict", "\(target):1", "oci:\(scratch["pulled"]):1")
            if result.status == 0 {
                let digest = try Command.succeed("digest", layout).text
                #expect(try Command.succeed("digest", "oci:\(scratch["pulled"]):1").text == digest)
            }
        case .pushArchive:
            result = try dray("copy --retry-times 1", archive, "\(target):1")
            if result.status == 0 {
                let pulled = try dray("copy --strict", "\(target):1", "oci:\(scratch["pulled"]):1")
                #expect(pulled.status == 0, "\(pulled.errors)")
            }
        case .pull:
            result = try dray("copy --retry-times 1", "\(target):1", "oci:\(scratch["pulled"]):1")
        case .pushTwice:
            try #require(try dray("copy", layout, "\(target):1").status == 0)
            let other = try Samples.archive(scratch, name: "other.tar", mebibytes: 1)
            result = try dray("copy", other, "\(target):1")
        case .listTags:
            for tag in ["1", "2", "3"] { try #require(try dray("copy", layout, "\(target):\(tag)").status == 0) }
            result = try dray("ls --output json", target)
            #expect(try result.rows().compactMap(\.tag) == ["1", "2", "3"], "\(result.errors)")
        case .listRepositories:
            if habit.status == 0 { try #require(try dray("copy", layout, "\(target):1").status == 0) }
            result = try dray("ls", "docker://\(registry.address)/")
            #expect(habit.status != 0 || result.text.contains("team/app"), "\(result.text) \(result.errors)")
        }
        #expect(result.status == habit.status, "\(result.status): \(result.errors)")
        for word in habit.words { #expect(result.errors.contains(word), "no '\(word)' in: \(result.errors)") }
        // Nobody but the registry and its token service was told who asks.
        let own = Int(registry.address.split(separator: ":")[1])
        #expect(
            try registry.requests.allSatisfy {
                $0.port == own || $0.path.hasPrefix("/token") || $0.authorization == nil
            })
    }

    /// - Returns: the environment that makes dray use the account.
    private func login(_ account: String?, at host: String, _ scratch: Scratch) throws -> String {
        guard let account else { return "" }
        let token = account.hasPrefix("identity:") ? account.dropFirst("identity:".count) : nil
        let auth = Data((token == nil ? account : "00000000-0000-0000-0000-000000000000:").utf8).base64EncodedString()
        let identity = token.map { #","identitytoken":"\#($0)""# } ?? ""
        try scratch.write(#"{"auths":{"\#(host)":{"auth":"\#(auth)"\#(identity)}}}"#, to: "docker/config.json")
        return "DOCKER_CONFIG=\(scratch["docker"])"
    }
}
