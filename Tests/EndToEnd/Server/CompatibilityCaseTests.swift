import Foundation
import Testing

/// The forty cases in which registries of the world were measured, and what dray answers in each.
///
/// Where dray deliberately differs from docker-registry 2.8, `unlikeTheOriginal` says so. Here: the first ten, basics
/// and lists; the others are beside this file.
@Suite struct CompatibilityCaseTests {
    @Test func case01TheAPIIsThere() throws {
        let answer = try Server().get("/v2/")
        #expect(answer.status == 200 && answer.text == "{}" && answer["content-length"] == "2")
        #expect(answer["content-type"]?.hasPrefix("application/json") == true)
        #expect(answer["docker-distribution-api-version"] == "registry/2.0")
    }

    @Test func case02MissingSlashesAreAdded() throws {
        let server = try Server()
        let root = try server.get("/v2")
        #expect(root.status == 301 && root["location"] == "/v2/")
        let upload = try server.request("POST", "/v2/a/b/blobs/uploads")
        #expect(upload.status == 301 && upload["location"] == "/v2/a/b/blobs/uploads/")
    }

    @Test(arguments: [false, true]) func case03LoadBalancersAskForTheRoot(_ needsPassword: Bool) throws {
        let scratch = try Scratch()
        var settings = Server.Settings()
        if needsPassword {
            try Command.shell("htpasswd -Bbn user s3cr3t-pass > \(scratch["htpasswd"])")
            settings.top = "auth: {htpasswd: {realm: basic-realm, path: \(scratch["htpasswd"])}}"
        }
        let answer = try Server(settings, in: scratch).get("/")
        #expect(answer.status == 200 && answer.body.isEmpty && answer["cache-control"] == "no-cache")
    }

    @Test func case04UnknownPaths() throws {
        let answer = try Server.withHello().get("/v2/library/hello/foo")
        #expect(answer.status == 404 && answer.text == "404 page not found\n")
        #expect(answer["content-type"]?.hasPrefix("text/plain") == true)
        #expect(answer["x-content-type-options"] == "nosniff")
        #expect(answer["docker-distribution-api-version"] == "registry/2.0")
    }

    @Test func case05WrongMethods() throws {
        let server = try Server.withHello()
        let put = try server.request("PUT", "/v2/library/hello/tags/list")
        #expect(put.status == 405 && put["allow"] == "GET" && put.text == "Method not allowed\n")
        #expect(put["content-type"]?.hasPrefix("text/plain") == true)
        let options = try server.request("OPTIONS", "/v2/library/hello/manifests/latest")
        #expect(options.status == 200 && options["allow"] == "DELETE, GET, HEAD, PUT")
    }

    @Test func case06CatalogBeforeAndAfterAPush() throws {
        let server = try Server()
        let before = try server.get("/v2/_catalog")
        #expect(before.status == 200 && before.text == "{\"repositories\":[]}\n")
        #expect(before["content-type"]?.hasPrefix("application/json") == true)
        try server.push(.hello, to: "library/hello", as: "latest")
        let after = try server.get("/v2/_catalog")
        #expect(after.text == "{\"repositories\":[\"library/hello\"]}\n" && after["content-length"] == "35")
    }

    @Test func case07CatalogInPages() throws {
        let server = try Server()
        let names = ["library/hello", "m/t", "m/t2", "n", "o/p/q", "z"]
        for name in names.reversed() { try server.push(TinyImage(), to: name, as: "1") }
        let first = try server.get("/v2/_catalog?n=2")
        #expect(first.strings("repositories") == ["library/hello", "m/t"])
        #expect(first["link"] == "</v2/_catalog?last=m%2Ft&n=2>; rel=\"next\"")
        let second = try server.get(#require(first.next))
        #expect(second.strings("repositories") == ["m/t2", "n"])
        // It fits exactly: no further page.
        let third = try server.get(#require(second.next))
        #expect(third.strings("repositories") == ["o/p/q", "z"] && third["link"] == nil)
        let whole = try server.get("/v2/_catalog?n=6")
        #expect(whole.strings("repositories") == names && whole["link"] == nil)
        let between = try server.get("/v2/_catalog?n=2&last=m%2Fs")
        #expect(between.strings("repositories") == ["m/t", "m/t2"])
        #expect(try server.get("/v2/_catalog?last=zz").strings("repositories") == [])
    }

    @Test func case08CatalogWithOddCounts() throws {
        let server = try Server.withHello()
        let many = try server.get("/v2/_catalog?n=1001")
        #expect(many.status == 400)
        #expect(
            many.text.trimmed
                == #"{"errors":[{"code":"PAGINATION_NUMBER_INVALID","message":"invalid number of results requested","#
                + #""detail":{"n":1001}}]}"#)
        #expect(try server.get("/v2/_catalog?n=1000").status == 200)
        let none = try server.get("/v2/_catalog?n=0")
        #expect(none.status == 200 && none.strings("repositories") == [] && none["link"] == nil)
        try unlikeTheOriginal("takes such counts for none") {
            for count in ["-1", "abc"] {
                let answer = try server.get("/v2/_catalog?n=\(count)")
                #expect(answer.status == 400 && answer.codes == ["PAGINATION_NUMBER_INVALID"])
            }
        }
    }

    @Test func case09TagsAndUnknownRepositories() throws {
        let server = try Server.withHello()
        let list = try server.get("/v2/library/hello/tags/list")
        #expect(list.status == 200 && list.text == "{\"name\":\"library/hello\",\"tags\":[\"latest\"]}\n")
        #expect(list["content-type"]?.hasPrefix("application/json") == true)
        try server.push(blob: [1, 2, 3], to: "only/layers")
        for name in ["nope", "only/layers"] {
            let answer = try server.get("/v2/\(name)/tags/list")
            #expect(answer.status == 404 && answer.codes == ["NAME_UNKNOWN"])
            #expect(answer.errors.first?["detail"] as? [String: String] == ["name": name])
            #expect(answer.errors.first?["message"] as? String == "repository name not known to registry")
        }
    }

    @Test func case10TagsInPages() throws {
        let server = try Server()
        let image = TinyImage()
        try server.push(image, to: "m/t2", as: "v2")
        for tag in ["list", "v1", "v10", "idx", "v3"] {
            #expect(try server.put(image.manifest, image.type, as: tag, in: "m/t2").status == 201)
        }
        try unlikeTheOriginal("neither sorts nor pages") {
            #expect(
                try server.get("/v2/m/t2/tags/list").strings("tags") == ["idx", "list", "v1", "v10", "v2", "v3"])
            let first = try server.get("/v2/m/t2/tags/list?n=2")
            #expect(first.strings("tags") == ["idx", "list"])
            #expect(first["link"] == "</v2/m/t2/tags/list?last=list&n=2>; rel=\"next\"")
            let second = try server.get(#require(first.next))
            #expect(second.strings("tags") == ["v1", "v10"])
            let third = try server.get(#require(second.next))
            // The last page says so, or an empty one follows.
            #expect(third.strings("tags") == ["v2", "v3"])
            if let next = third.next { #expect(try server.get(next).strings("tags") == []) }
        }
    }
}

/// Checks that an answer is a registry's refusal.
func expect(
    _ answer: HTTPResponse, _ status: Int, _ codes: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == status && answer.codes == codes, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(
        answer["content-type"]?.hasPrefix("application/json") == true, "\(answer.headers)",
        sourceLocation: sourceLocation)
    #expect(answer["docker-distribution-api-version"] == "registry/2.0", sourceLocation: sourceLocation)
}
