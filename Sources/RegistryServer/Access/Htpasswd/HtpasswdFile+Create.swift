import ByteStreams
import Glibc
import ImageModel
import ImageTransfer

extension HtpasswdFile {
    /// Makes a password file with one user, `docker`, and a random password, for this user's eyes only (mode 0600).
    ///
    /// The original prints that password into its log, where it stays, and from where logs travel on. Here it is
    /// in a file of its own beside the password file, `PATH.initial-password`, to be read once and removed.
    ///
    /// - Returns: the path of the file that holds the password.
    /// - Throws: `StreamError.io`, `TransferError.refused`.
    static func create(at path: String) throws -> String {
        let password = Base64.encodeURL((0..<24).map { _ in UInt8.random(in: 0...255) })
        guard let hash = BcryptHash.make(of: Array(password.utf8)) else {
            throw TransferError.refused("this system's libcrypt cannot make bcrypt hashes: make \(path) by htpasswd -B")
        }
        try makeDirectories(parent(of: path))
        // The password first: a file of passwords that nobody knows would not be made anew.
        let secret = path + ".initial-password"
        guard try place(Array((password + "\n").utf8), at: secret) else {
            throw TransferError.refused(
                "\(path) is missing, but \(secret) is there from another start: "
                    + "remove that, or make \(path) by htpasswd -B")
        }
        do {
            guard try place(Array("docker:".utf8) + hash.text + [10], at: path) else {
                throw TransferError.refused("somebody else has made \(path) just now: start again")
            }
        } catch {
            try removeFile(secret)
            throw error
        }
        return secret
    }

    /// Writes a file, whole or not at all.
    ///
    /// - Returns: false if there is one already, which stays as it is.
    private static func place(_ bytes: [UInt8], at path: String) throws -> Bool {
        let file = try StagedFile(in: parent(of: path), mode: 0o600)
        defer { file.cancel() }
        try bytes.withUnsafeBytes { try file.write($0) }
        try file.flush()
        guard link(file.path, path) == 0 else {
            let code = errno
            if code == EEXIST { return false }
            throw StreamError.io(operation: "make", path: path, errno: code)
        }
        try syncDirectory(parent(of: path))
        return true
    }
}
