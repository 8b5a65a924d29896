import ByteStreams
import DrayKit
import ImageBackup
import ImageModel
import ImageTransfer
import ImageVerification
import RegistryClient

/// What is verified, or mended from: what a reference leads to, or a backup with all its snapshots.
enum VerifiedSubject: Sendable {
    case reference(ImageReference)
    case backup(Backup)

    init(_ text: String, inflation: InflationLimit) throws {
        if Backup.isThere(text) {
            self = .backup(Backup(path: text))
        } else {
            self = .reference(try ImageReference(text, inflation: inflation))
        }
    }

    private var reference: ImageReference? { if case .reference(let reference) = self { reference } else { nil } }

    var name: String? { reference?.name }
    var digest: Digest? { reference?.digest }

    func place(_ options: RegistryOptions, inflation: InflationLimit) async throws -> any VerifiedPlace {
        switch self {
        case .reference(let reference): try await reference.verifiedPlace(options, inflation: inflation)
        case .backup(let backup): try await backup.verifiedPlace()
        }
    }

    func mendablePlace(_ options: RegistryOptions, keepsReplaced: Bool) async throws -> any MendablePlace {
        switch self {
        case .reference(let reference):
            try await reference.mendablePlace(options, keepsReplaced: keepsReplaced)
        case .backup(let backup): try backup.mendablePlace(keepsReplaced: keepsReplaced)
        }
    }

    func isSamePlace(as other: VerifiedSubject) throws -> Bool {
        switch (self, other) {
        case (.reference(let own), .reference(let other)): try own.isSamePlace(as: other)
        case (.backup(let own), .backup(let other)): try own.isSamePlace(as: other)
        case (.reference, .backup), (.backup, .reference): false
        }
    }
}
