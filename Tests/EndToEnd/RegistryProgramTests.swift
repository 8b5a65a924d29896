import Foundation
import Testing

/// dray under the names of the original's program and entry point, with the command lines that those take.
struct RegistryProgramTests {
    /// A directory with dray under both names, a configuration and an empty store.
    private func makeScratch() throws -> Scratch {
        let scratch = try Scratch()
        for name in ["registry", "entrypoint.sh"] {
            try FileManager.default.createSymbolicLink(atPath: scratch[name], withDestinationPath: Command.dray)
        }
        try scratch.write(
            """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(scratch["root"])}}
            http: {addr: "127.0.0.1:0"}

            """, to: "config.yml")
        try Command.shell("cp \(scratch["config.yml"]) \(scratch["config"])")
        try Command.shell("mkdir -p \(scratch["root"])/docker/registry/v2/repositories")
        return scratch
    }

    @Test(arguments: ["registry", "entrypoint.sh"]) func everyFormIsUnderstood(_ name: String) throws {
        let scratch = try makeScratch()
        func run(_ words: String) throws -> Command {
            try Command.shell("PATH=\(scratch.path):$PATH; exec \(name) \(words)", in: scratch.path)
        }
        let version = try Command.dray("--version").text
        for words in ["--version", "-v", "registry --version", "/bin/registry -v"] {
            let result = try run(words)
            #expect(result.text == version && result.status == 0, "\(words): \(result.errors)")
        }
        for words in [
            "garbage-collect config.yml", "garbage-collect --dry-run=true config.yml",
            "garbage-collect -d -m=false --quiet=1 config.yml", "/bin/registry garbage-collect config",
            "registry garbage-collect config.yml --delete-untagged=T",
        ] {
            let result = try run(words)
            #expect(result.status == 0 && result.text.contains("0 blobs marked"), "\(words): \(result.errors)")
        }
        #expect(try run("garbage-collect -d config.yml").text.contains("to free"))
        #expect(try run("garbage-collect --dry-run=false config.yml").text.contains("freed"))
        #expect(try run("help").text.contains("USAGE: dray"))
        #expect(try run("ls root").status == 0)
        // Any other program, as with the original's entry point.
        let other = try run("sh -c 'echo $0 $1; exit 7' one two")
        #expect(other.text == "one two\n" && other.status == 7)
        let signals = try run("grep SigBlk /proc/self/status")
        #expect(signals.text.split(separator: "\t").last == "0000000000000000\n")
        let unknown = try run("garbage config.yml")
        #expect(unknown.status == 64 && unknown.errors.contains("garbage: no such command or program"))
        #expect(try run("garbage-collect --dry-run=perhaps config.yml").status == 64)
    }

    @Test(arguments: [
        "config.yml", "serve config.yml", "serve config", "registry serve config.yml", "registry config.yml",
    ])
    func everyFormServes(_ words: String) throws {
        let scratch = try makeScratch()
        let run = try Command.shell(
            """
            \(scratch["registry"]) \(words) 2> log > /dev/null & pid=$!
            until address=$(grep -om1 'listening on [0-9.:]*' log); do kill -0 $pid || exit 1; done
            curl -s "http://${address##* }/v2/"
            kill $pid; wait $pid
            """, in: scratch.path)
        #expect(run.status == 0 && run.text == "{}", "\(words): \(run.text) \(run.errors)")
    }

    /// Under its own name it runs no other program.
    @Test func drayRunsItsOwnCommandsOnly() throws {
        let result = try Command.dray("sh", "-c", "echo run")
        #expect(result.status == 64 && result.text.isEmpty)
    }
}
