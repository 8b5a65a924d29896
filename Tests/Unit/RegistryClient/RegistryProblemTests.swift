import RegistryClient
import Testing

struct RegistryProblemTests {
    /// S3 repeats the request and its signature.
    @Test func storageIsQuotedByCodeAndMessage() {
        let body = """
            <?xml version="1.0" encoding="UTF-8"?>
            <Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message>\
            <AWSAccessKeyId>AKIAEXAMPLE</AWSAccessKeyId><StringToSign>GET s3cr3t</StringToSign></Error>
            """
        let problem = RegistryProblem(Array(body.utf8), isHTML: false)
        #expect(problem.text == "SignatureDoesNotMatch: The signature does not match.")
        let denied = RegistryProblem(Array("<Error><Code>AccessDenied</Code></Error>".utf8), isHTML: false)
        #expect(denied.text == "AccessDenied")
    }

    @Test(arguments: ["a <Code>x</Code> of ours", "<Error>", "slow down"]) func otherWordsStay(_ words: String) {
        #expect(RegistryProblem(Array(words.utf8), isHTML: false).text == words)
    }

    @Test func codesOfTheAPIAreKept() {
        let body = #"{"errors":[{"code":"MANIFEST_INVALID","message":"no"},{"code":"UNSUPPORTED"}]}"#
        let problem = RegistryProblem(Array(body.utf8), isHTML: false)
        #expect(problem.codes == ["MANIFEST_INVALID", "UNSUPPORTED"])
        #expect(problem.text == "MANIFEST_INVALID: no; UNSUPPORTED")
    }
}
