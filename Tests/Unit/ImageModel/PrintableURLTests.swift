import ImageModel
import Testing

struct PrintableURLTests {
    @Test(
        arguments: [
            ("http://user:w0rd@host/a", "http://***@host/a"), ("https://w0rd@host", "https://***@host"),
            ("http://user:p/w@host:81/a", "http://***@host:81/a"), ("http://user:p@w@host", "http://***@host"),
            ("http://user:p?w#x@host/a", "http://***@host/a"), ("HTTPS://u:'p'@host", "HTTPS://***@host"),
            ("https://host/a?X-Signature=w0rd#x", "https://host/a?***"), ("https://host/#w0rd", "https://host/#***"),
            ("'https://host/a?b=w0rd', then", "'https://host/a?***', then"),
            ("https://host:5000/a?", "https://host:5000/a?"),
            ("socks5://u:w0rd@[fd00::1]:1", "socks5://***@[fd00::1]:1"), ("docker://h/a?b", "docker://h/a?b"),
            ("docker://h:5000/a:1@sha256:ab and x@y", "docker://h:5000/a:1@sha256:ab and x@y"),
            ("docker://u:w0rd@h/a:1@sha512:ab", "docker://***@h/a:1@sha512:ab"),
            ("http://a and http://u:w0rd@b", "http://a and http://***@b"), ("://u:w0rd@", "://***@"),
            ("http://u:w0rd@\u{301}host", "http://***@\u{301}host"), ("no URL: a@b:c", "no URL: a@b:c"), ("", ""),
        ])
    func secretsOfATextAreHidden(_ text: String, _ expected: String) {
        #expect(PrintableURL.hidingSecrets(in: text) == expected)
        #expect(PrintableURL.hidingSecrets(in: expected) == expected)
    }

    @Test(
        arguments: [
            ("user:w0rd@host:1", "***@host:1"), ("user:w o rd@host/a", "***@host/a"),
            ("host:5000/a:1", "host:5000/a:1"),
            ("http://user:w o rd@host?w0rd", "http://***@host?***"), ("/srv/a:1@sha256:ab", "/srv/a:1@sha256:ab"),
            ("h:5000/a:1@sha256:ab", "h:5000/a:1@sha256:ab"), ("", ""),
        ])
    func secretsOfAValueAreHidden(_ text: String, _ expected: String) {
        #expect(PrintableURL.value(text) == expected)
    }

    @Test(arguments: [
        "docker://user:w0rd@host/app", "docker://user:wo/w0rd@host/app:1", "oci://user:w0rd@host/app",
        "https://user:w0rd@host/a?w0rd", "user:w0rd@host.example/app:1", "docker://user:w0rd@host/app@sha256:ab",
    ])
    func referencesThatAreMistypedAreHidden(_ text: String) {
        let error = #expect(throws: ImageError.self) {
            try ImageReference(text, exists: { _ in false }, recognise: { _ in nil })
        }
        #expect(error?.description.contains("w0rd") == false, "\(error?.description ?? "")")
        #expect(ImageReference.printable("store:/srv/r:a@b") == "store:/srv/r:a@b")
    }
}

struct HostNameTests {
    @Test(
        arguments: [
            ("registry.example", true), ("registry.example.", true), ("a", true), ("10.0.0.1", true), ("::1", true),
            ("::ffff:10.0.0.1", true), ("my_bucket.s3.example", true), ("", false), (".", false), ("a..b", false),
            ("../..", false), ("a b", false), ("a\r\nb", false), ("a\0", false), ("a/b", false), ("a%2fb", false),
            ("fe80::1%lo", false), ("bücher.example", false), ("a@b", false), ("a:b", false), ("[::1]", false),
            (String(repeating: "a.", count: 127), false), ("1.example", true), ("0x1.example", true), ("a.b1", true),
            ("127.1", false), ("2130706433", false), ("a.0x7f", false), ("0177.0.0.1", false), ("1.2.3.0x", false),
            ("10.0.0.01", false), ("10.0.0.256", false), ("1.2.3.4.5", false), ("10.0.0.1.", false),
        ])
    func hosts(_ text: String, _ isValid: Bool) {
        #expect(HostName.isValid(text) == isValid)
    }
}
