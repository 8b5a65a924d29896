import Logging
import RegistryServer
import Testing

struct OpenAccessTests {
    let items = [AccessItem(type: "repository", name: "a/b", action: "pull")]

    @Test func openAsksForNothing() async throws {
        let access = try ServerConfiguration.Access.open.makeAccessControl(logger: LogRecord().logger)
        #expect(try await access.authorize(nil, for: items, origin: nil) == nil)
    }

    @Test func sillyAsksForAnything() async throws {
        let silly = ServerConfiguration.Access.silly(realm: "r\"\\\r\n", service: "s")
        let access = try silly.makeAccessControl(logger: LogRecord().logger)
        #expect(try await access.authorize("x", for: items, origin: nil) == "silly")
        let denied = await #expect(throws: AccessDenied.self) {
            try await access.authorize("", for: items, origin: nil)
        }
        #expect(denied?.challenge == #"Bearer realm="r\"\\",service="s",scope="repository:a/b:pull""#)
    }
}
