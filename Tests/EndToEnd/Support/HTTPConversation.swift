import Foundation

/// One connection to a server, over which a test says exactly what it wants to, right or wrong.
///
/// It blocks, and gives up on a server that says nothing for as long as `patience`.
final class HTTPConversation {
    enum Failure: Error {
        case system(String, Int32)
        /// The server closed the connection in the middle of an answer, or before it.
        case closed
        case notHTTP(String)
    }

    enum Body {
        case none
        case whole([UInt8])
        /// With `Transfer-Encoding: chunked`, one chunk a piece.
        case chunked([[UInt8]])
    }

    private let address: String
    private let socket: Int32
    private var received: [UInt8] = []
    /// How much of `received` was taken already.
    private var taken = 0

    /// - Parameters:
    ///   - address: `IPv4:PORT`.
    ///   - source: the client's own IPv4 address; any unless given.
    init(_ address: String, from source: String? = nil, patience: Int = 60) throws {
        self.address = address
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw Failure.system("socket", errno) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let parts = address.split(separator: ":")
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = in_port_t(parts.last ?? "")?.bigEndian ?? 0
        inet_pton(AF_INET, String(parts.first ?? ""), &target.sin_addr)
        func call(_ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ address: sockaddr_in) -> Int32 {
            withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        if let source {
            var own = sockaddr_in()
            own.sin_family = sa_family_t(AF_INET)
            inet_pton(AF_INET, source, &own.sin_addr)
            guard call(bind, own) == 0 else { throw Failure.system("bind to \(source)", errno) }
        }
        // All properties are set: deinit closes the socket.
        guard call(connect, target) == 0 else { throw Failure.system("connect to \(address)", errno) }
    }

    deinit { close(socket) }

    /// Says a whole request and hears the answer.
    ///
    /// - Parameter headers: `Host` and the body's length are added unless they are here; an empty value leaves
    ///   the header out altogether.
    func request(
        _ method: String, _ target: String, _ headers: [(String, String)] = [], body: Body = .none,
        version: String = "HTTP/1.1"
    ) throws -> HTTPResponse {
        do {
            try send(head(method, target, headers, body: body, version: version))
            switch body {
            case .none: break
            case .whole(let bytes): try send(bytes)
            case .chunked(let chunks): for chunk in chunks + [[]] { try send(Self.framed(chunk)) }
            }
        } catch Failure.system("send", EPIPE), Failure.system("send", ECONNRESET) {
            // Refused before the end: the answer may well be there.
        }
        return try response(to: method)
    }

    /// The lines before the body.
    func head(
        _ method: String, _ target: String, _ headers: [(String, String)] = [], body: Body = .none,
        version: String = "HTTP/1.1"
    ) -> [UInt8] {
        var all: [(String, String)] = [("Host", address)]
        switch body {
        case .none: if method != "GET", method != "HEAD" { all.append(("Content-Length", "0")) }
        case .whole(let bytes): all.append(("Content-Length", "\(bytes.count)"))
        case .chunked: all.append(("Transfer-Encoding", "chunked"))
        }
        all.removeAll { usual in headers.contains { $0.0.lowercased() == usual.0.lowercased() } }
        let lines = (all + headers).filter { !$0.1.isEmpty }.map { "\($0.0): \($0.1)\r\n" }
        return Array("\(method) \(target) \(version)\r\n\(lines.joined())\r\n".utf8)
    }

    /// A chunk as it goes over the line; the empty one ends a body.
    static func framed(_ chunk: [UInt8]) -> [UInt8] {
        Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure.system("send", errno) }
            sent += count
        }
    }

    /// Says that nothing more will come.
    func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

    func response(to method: String) throws -> HTTPResponse {
        var response = try responseHead()
        guard method != "HEAD", response.status != 204, response.status != 304 else { return response }
        if response["transfer-encoding"]?.lowercased() == "chunked" {
            while true {
                let size = try line().prefix { $0 != ";" }
                guard let count = Int(size, radix: 16) else { throw Failure.notHTTP("chunk of '\(size)'") }
                if count == 0 { break }
                response.body += try take(count)
                _ = try line()
            }
            while try !line().isEmpty {}
        } else if let length = response["content-length"] {
            guard let count = Int(length) else { throw Failure.notHTTP("length of '\(length)'") }
            response.body = try take(count)
        } else {
            while try receive() {}
            response.body = try take(received.count - taken)
        }
        return response
    }

    /// Status and headers only; the body is the caller's to take. Interim answers are noted and passed over.
    func responseHead() throws -> HTTPResponse {
        var interim: [Int] = []
        while true {
            let start = try line()
            let words = start.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw Failure.notHTTP(start)
            }
            var headers: [(String, String)] = []
            while case let line = try line(), !line.isEmpty {
                guard let colon = line.firstIndex(of: ":") else { throw Failure.notHTTP(line) }
                headers.append((String(line[..<colon]), String(line[line.index(after: colon)...]).trimmed))
            }
            if status >= 200 {
                return HTTPResponse(version: String(words[0]), status: status, headers: headers, interim: interim)
            }
            interim.append(status)
        }
    }

    /// Exactly so many bytes.
    func take(_ count: Int) throws -> [UInt8] {
        while received.count - taken < count { guard try receive() else { throw Failure.closed } }
        defer {
            taken += count
            if taken == received.count { (received, taken) = ([], 0) }
        }
        return Array(received[taken..<taken + count])
    }

    /// Whether the server has closed the connection, and says nothing more before that.
    func isClosed() throws -> Bool { try taken == received.count && !receive() }

    private func line() throws -> String {
        var end = taken
        while true {
            if let found = received[end...].firstIndex(of: 10) {
                let line = try take(found + 1 - taken)
                return String(decoding: line.dropLast(line.dropLast().last == 13 ? 2 : 1), as: UTF8.self)
            }
            end = received.count
            guard try receive() else { throw Failure.closed }
        }
    }

    /// - Returns: false at the end.
    private func receive() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(socket, &piece, piece.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == ECONNRESET { throw Failure.closed }
            guard count >= 0 else { throw Failure.system("recv", errno) }
            received += piece[..<count]
            return count > 0
        }
    }
}
