import RegistryClient
import Testing

struct ChallengeTests {
    @Test func oneChallenge() {
        let found = Challenge.parse(
            #"Bearer realm="https://a/token?x=y",service="reg",scope="repository:a/b:pull,push""#)
        #expect(found.count == 1 && found[0].scheme == "bearer")
        #expect(
            found[0].parameters == [
                "realm": "https://a/token?x=y", "service": "reg", "scope": "repository:a/b:pull,push",
            ])
    }

    @Test func severalInOneHeader() {
        let found = Challenge.parse(#"Negotiate, BASIC Realm = "a, \"b\"" , bearer realm=https://a/t"#)
        #expect(found.map(\.scheme) == ["negotiate", "basic", "bearer"])
        #expect(found[1].parameters["realm"] == #"a, "b""# && found[2].parameters["realm"] == "https://a/t")
    }

    @Test(arguments: ["", ",,,", "=", "Bearer realm=\"unfinished", "\u{0}", "Basic"])
    func nonsenseEnds(_ text: String) {
        #expect(Challenge.parse(text).count <= 1)
    }

    @Test func scopesJoin() {
        let scope = Scope.push("a/b").union("repository:a/b:delete repository:c:pull")
        #expect(scope.resources == ["repository:a/b:delete,pull,push", "repository:c:pull"])
        #expect(Scope.pull("x").union(nil).resources == ["repository:x:pull"])
        #expect(Scope.pull("\u{1f600}e\u{301}").union("repository:\u{1f600}e\u{301}:push").resources.count == 1)
    }
}
