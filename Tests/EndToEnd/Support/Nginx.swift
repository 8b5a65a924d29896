import Foundation
import Testing

/// A real nginx with the settings of `samples/registry/nginx.conf`, in front of a registry.
final class Nginx {
    let address: String
    private let process = Process()

    init(before registry: String, scratch: Scratch) throws {
        address = "127.0.0.1:\(try Registry.freePort())"
        let name = "nginx-\(UUID().uuidString.prefix(8))"
        let sample = Command.package.appending(path: "samples/registry/nginx.conf")
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(scratch["\(name)-\($0)"]);"
        }
        // Only the places change.
        let text = try String(contentsOf: sample, encoding: .utf8)
            .replacing("listen 80;", with: "listen \(address);")
            .replacing("http://registry:5000", with: "http://\(registry)")
            .replacing("http {", with: "http { access_log off; \(temporary.joined(separator: " "))")
        try #require(text.contains(address) && text.contains(registry))
        try scratch.write(text, to: "\(name).conf")
        process.executableURL = URL(filePath: "/usr/sbin/nginx")
        process.arguments = [
            "-c", scratch["\(name).conf"], "-e", "stderr", "-g", "daemon off; pid \(scratch["\(name).pid"]);",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.start()
        // curl itself waits until nginx answers.
        let ready = try Command.shell(
            "curl -s -o /dev/null --retry 200 --retry-connrefused --retry-delay 0 --retry-max-time 30 http://\(address)/"
        )
        try #require(ready.status == 0)
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }
}
