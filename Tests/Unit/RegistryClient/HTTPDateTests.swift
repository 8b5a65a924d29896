import NIOHTTP1
import RegistryClient
import Testing

struct HTTPDateTests {
    @Test(arguments: [
        "Fri, 01 Jan 2100 00:00:00 GMT", "Fri Jan  1 00:00:00 2100", "Thursday, 01-Jan-69 00:00:00 GMT",
    ])
    func allThreeFormsAreRead(_ text: String) {
        #expect((HTTPHeaders([("Retry-After", text)]).retryAfter ?? .zero) > .seconds(1000))
    }

    @Test(arguments: [
        "Sun, 06 Nov -2147483648 08:49:37 GMT", "Sun, 99 Nov 2000 08:49:37 GMT", "Sun, 06 Nov 99999999999 08:49:37 GMT",
        "99999999999999999999", "", "Sun", "Nov Nov Nov Nov Nov Nov Nov",
    ])
    func nonsenseIsNone(_ text: String) {
        #expect(HTTPHeaders([("Retry-After", text)]).retryAfter == nil)
    }
}
