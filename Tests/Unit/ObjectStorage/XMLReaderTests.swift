import ObjectStorage
import Testing

/// The XML of answers, from servers that may send anything.
struct XMLReaderTests {
    private func read(_ text: String) throws(XMLProblem) -> XMLNode { try XMLReader.read(Array(text.utf8)) }

    @Test func readsAnAnswer() throws {
        let node = try read(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- a comment -->
            <s3:List xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/" other='1'>
              <s3:Key>a&amp;b &#60;&#x3e;<![CDATA[<&>]]> é</s3:Key><Empty/><Empty a="b" />
              <Size> 12
              </Size><Key>second</Key>
            </s3:List>

            """)
        #expect(node.name == "List")
        #expect(node.text("Key") == "a&b <><&> é")
        #expect(node.all("Key").count == 2 && node.all("Empty").count == 2)
        #expect(node.word("Size") == "12" && node.text("Size") == " 12\n  ")
        #expect(node.word("Empty") == nil && node.text("Empty") == "" && node.text("Missing") == nil)
    }

    @Test(arguments: [
        "", " ", "text", "<a>", "<a></b>", "<a/><b/>", "<a/>text", "</a>", "<a b></a>", "<a b=c></a>", "<a b='c></a>",
        "<a b='<'/>",
        "<>", "< a/>", "<a><b></a></b>", "<a>&nbsp;</a>", "<a>&#0;</a>", "<a>&#xd800;</a>", "<a>&#x110000;</a>",
        "<a>&amp</a>",
        "<a>&aaaaaaaaaaaaaaaaaaaaaaaa;</a>", "<a><![CDATA[x</a>", "<a><!-- x</a>", "<?xml <a/>", "<a>\u{0}</a>", "<a",
        "<a/", "<a b",
        "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "<a><!ELEMENT b></a>",
        "<![CDATA[x]]><a/>", "&amp;<a/>",
    ])
    func refuses(_ text: String) {
        #expect(throws: XMLProblem.self) { try read(text) }
    }

    @Test func refusesWhatIsNotUTF8() {
        #expect(throws: XMLProblem.self) { try XMLReader.read(Array("<a>".utf8) + [0xff] + Array("</a>".utf8)) }
    }

    @Test func everyPrefixIsRefused() throws {
        let text = "<?xml version='1.0'?><a x='1'>b&lt;<c/><![CDATA[d]]><!-- e --></a>"
        _ = try read(text)
        for count in 0..<text.utf8.count {
            #expect(throws: XMLProblem.self) { try XMLReader.read(Array(text.utf8.prefix(count))) }
        }
    }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        _ = try read(nested(XMLReader.depthLimit))
        #expect(throws: XMLProblem.self) { try read(nested(XMLReader.depthLimit + 1)) }
        #expect(throws: XMLProblem.self) { try read(String(repeating: "<a>", count: 1_000_000)) }
    }

    @Test func theNumberOfElementsIsLimited() throws {
        func wide(_ count: Int) -> String { "<a>" + String(repeating: "<b/>", count: count - 1) + "</a>" }
        #expect(try read(wide(XMLReader.nodeLimit)).children.count == XMLReader.nodeLimit - 1)
        #expect(throws: XMLProblem.self) { try read(wide(XMLReader.nodeLimit + 1)) }
    }

    @Test(arguments: ["a&b<c>\"d\"'e'\r\n", "ünïcödé 🙂", ""]) func escapedTextIsReadBack(_ text: String) throws {
        #expect(try read("<a>\(XMLText.escape(text))</a>").text == text)
    }

    @Test func tellsWhatXMLCannotHold() {
        #expect(XMLText.isExpressible("a/b\tc 🙂"))
        #expect(!XMLText.isExpressible("a\u{1}") && !XMLText.isExpressible("\u{ffff}"))
    }
}
