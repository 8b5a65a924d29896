import ByteStreams
import ImageModel

extension HtpasswdFile {
    /// Makes a password file with one user, `docker`, and a random password, for this user's eyes only (mode 0600).
    ///
    /// The original prints that password into its log, where it stays, and from where logs travel on. Here it is
    /// in a file of its own beside the password file, `PATH.initial-password`, to be read once and removed.
    ///
    /// - Returns: the path of the file that holds the password.
    /// - Throws: `ImageError.io`, `ImageError.refused`.
    static func create(at path: String) throws -> String {
        let password = Base64.encodeURL((0..<24).map { _ in UInt8.random(in: 0...255) })
        guard let hash = BcryptHash.make(of: Array(password.utf8)) else {
            throw ImageError.refused("this system's libcrypt cannot make bcrypt hashes: make \(path) by htpasswd -B")
        }
        let directory = try DirectoryHandle.make(parent(of: path))
        let name = lastComponent(of: path)
        // The password first: a file of passwords that nobody knows would not be made anew.
        let secret = path + ".initial-password"
        guard try place(Array((password + "\n").utf8), as: lastComponent(of: secret), in: directory) else {
            throw ImageError.refused(
                "\(path) is missing, but \(secret) is there from another start: "
                    + "remove that, or make \(path) by htpasswd -B")
        }
        do {
            guard try place(Array("docker:".utf8) + hash.text + [10], as: name, in: directory) else {
                throw ImageError.refused("somebody else has made \(path) just now: start again")
            }
        } catch {
            try directory.removeFile(lastComponent(of: secret))
            throw error
        }
        return secret
    }

    /// Writes a file, whole or not at all.
    ///
    /// - Returns: false if there is one already, which stays as it is.
    private static func place(_ bytes: [UInt8], as name: String, in directory: DirectoryHandle) throws -> Bool {
        let file = try StagedFile(in: directory, mode: 0o600)
        try bytes.withUnsafeBytes { try file.write($0) }
        return try file.commitIfAbsent(name)
    }
}
