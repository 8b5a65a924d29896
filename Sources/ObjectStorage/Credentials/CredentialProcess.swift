import ImageModel
import Subprocess
import SystemPackage

/// The program that `credential_process` in a profile names.
///
/// Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
struct CredentialProcess: CredentialSource {
    let command: String
    let profile: String

    func load() async throws -> AccessKeys? {
        let name = "credential_process of profile \(profile)"
        let output: String?
        do {
            output = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask {
                    let result = try await Subprocess.run(
                        .path("/bin/sh"), arguments: ["-c", command], input: .none, output: .string(limit: 64 << 10),
                        error: .discarded)
                    return result.terminationStatus.isSuccess ? result.standardOutput : nil
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(60))
                    throw ImageError(.unauthorised, "\(name): no answer within 60 seconds; run it by hand to see why")
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } catch let error as SubprocessError {
            throw ImageError(.unauthorised, "\(name): cannot be run (\(error)); correct the profile", cause: error)
        }
        guard let output else { throw ImageError(.unauthorised, "\(name): failed; run it by hand to see why") }
        return try CredentialAnswer.read(Array(output.utf8), name: name)
    }
}
