import Foundation
import Testing

/// A file system without symbolic links cannot hold a backup, which is said before anything is moved.
struct BackupWithoutLinksTests {
    /// Runs a program where symbolic links cannot be made: a seccomp filter answers `symlink` and `symlinkat`.
    private static let withoutLinks = """
        import ctypes, os, platform, struct, sys
        calls = {"x86_64": (88, 266), "aarch64": (36,)}[platform.machine()]
        error = int(sys.argv[1])
        rules = [(0x20, 0, 0, 0)] + [(0x15, len(calls) - i, 0, call) for i, call in enumerate(calls)]
        rules += [(6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x00050000 | error)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code)))
        prctl = ctypes.CDLL(None).prctl
        prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
        if prctl(38, 1, 0, 0, 0) or prctl(22, 2, ctypes.addressof(program), 0, 0): sys.exit(77)
        os.execvp(sys.argv[2], sys.argv[2:])
        """

    /// EPERM, as FAT says it; EOPNOTSUPP, as network file systems do.
    @Test(arguments: [1, 95], [false, true])
    func isRefusedBeforeAnythingIsMoved(_ error: Int, isStarted: Bool) throws {
        let scratch = try Scratch()
        try scratch.write(Self.withoutLinks, to: "without-links.py")
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try Command.succeed("copy", archive, "store:\(scratch["store"])")
        if isStarted { try Command.succeed("backup", "store:\(scratch["store"])", scratch["backup"]) }
        let other = try Samples.archive(scratch, name: "b.tar", image: "new/image:1", mebibytes: 1)
        try Command.succeed("copy", other, "store:\(scratch["store"])")
        let before = scratch.files(below: "backup")
        let run = try Command.shell(
            "python3 without-links.py \(error) $DRAY backup store:store backup", in: scratch.path)
        guard run.status != 77 else { return }
        #expect(run.status == 1 && run.errors.contains("symbolic links"), "\(run.errors)")
        #expect(scratch.files(below: "backup") == before)
        #expect(FileManager.default.fileExists(atPath: scratch["backup"]) == isStarted)
        // An archive needs none.
        let packed = try Command.shell(
            "python3 without-links.py \(error) $DRAY copy store:store oci-archive:all.tar", in: scratch.path)
        #expect(packed.status == 0, "\(packed.errors)")
        try Command.succeed("backup", "store:\(scratch["store"])", scratch["backup"])
    }
}
