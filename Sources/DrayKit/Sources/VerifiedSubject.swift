/// What is verified, or mended from: what a reference leads to, or a backup with all its snapshots.
package enum VerifiedSubject: Sendable {
    case reference(ImageReference)
    case backup(Backup)

    package init(_ text: String, _ reader: ReferenceReader) throws {
        if Backup.isThere(text) {
            self = .backup(Backup(path: text))
        } else {
            self = .reference(try reader.read(text))
        }
    }

    private var reference: ImageReference? { if case .reference(let reference) = self { reference } else { nil } }

    package var name: String? { reference?.name }
    package var digest: Digest? { reference?.digest }

    package func isSamePlace(as other: VerifiedSubject) throws -> Bool {
        switch (self, other) {
        case (.reference(let own), .reference(let other)): try own.isSamePlace(as: other)
        case (.backup(let own), .backup(let other)): try own.isSamePlace(as: other)
        case (.reference, .backup), (.backup, .reference): false
        }
    }
}

extension Dray {
    package func verifiedPlace(_ subject: VerifiedSubject) async throws -> any VerifiedPlace {
        switch subject {
        case .reference(let reference): try await verifiedPlace(reference)
        case .backup(let backup): try await backup.verifiedPlace()
        }
    }

    package func mendablePlace(_ subject: VerifiedSubject, keepsReplaced: Bool) async throws -> any MendablePlace {
        switch subject {
        case .reference(let reference): try await mendablePlace(reference, keepsReplaced: keepsReplaced)
        case .backup(let backup): try backup.mendablePlace(keepsReplaced: keepsReplaced)
        }
    }
}
