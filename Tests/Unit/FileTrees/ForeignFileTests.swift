import DrayKit
import ImageModel
import ImageTransfer
import TarArchive
import Testing

/// Files that are no archives are named as what they are.
struct ForeignFileTests {
    private static let tar = Workplace.tar([Workplace.Member("manifest.json", "[]")])

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Text as Windows PowerShell saves binary data: each byte a character of an old code page.
    private static func utf16(_ bytes: [UInt8], mark: [UInt8] = [], bigEndian: Bool = false) -> [UInt8] {
        mark + bytes.flatMap { byte -> [UInt8] in bigEndian ? [0, byte] : [byte, 0] }
    }

    static let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>\n"

    static let files: [(bytes: [UInt8], kind: String, advice: String)] = [
        ([], "an empty file", "curl --fail"),
        (text(page), "an HTML page, such as", "curl --fail"),
        (text("\n <html><form action='/login'><input type=password></form></html>"), "asks to log in", "credentials"),
        (text("\u{FEFF}" + page), "an HTML page", "curl"),
        (
            text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
            "XML document, such as a server's error answer: AccessDenied", "curl"
        ),
        (
            text(#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here","detail":{}}]}"#),
            "error answer in JSON: MANIFEST_UNKNOWN, not here", "curl"
        ),
        (text(#"{"message":"No such image: app:9"}"#), "No such image: app:9", "curl"),
        (text(#"{"error":{"code":"expired"}}"#), "expired", "curl"),
        (text(#"{"schemaVersion":2,"config":{},"layers":[]}"#), "manifest or index alone", "docker://"),
        (text(#"{"a":1}"#), "a JSON document", "curl"),
        (text("HTTP/1.1 401 Unauthorized\r\nWww-Authenticate: Basic\r\n\r\n"), "HTTP/1.1 401 Unauthorized", "curl"),
        (text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"), "Git LFS", "git lfs pull"),
        (text("/annex/objects/SHA256E-s5--12.tar\n"), "git-annex", "git annex get"),
        (text("Hello\n"), "plain text", "expected a tar"),
        (text("#!/bin/sh\nexit\n"), "a script", "docker save"),
        (text("H4sIAAAAAAAAA+3OMQ=="), "base64", "base64 -d"),
        (text("-----BEGIN PGP MESSAGE-----\n\nabc"), "PGP", "gpg"),
        (text("age-encryption.org/v1\n-> X25519 a\n"), "age", "age -d"),
        (text("Salted__12345678"), "openssl", "openssl enc -d"),
        ([0x50, 0x4b, 3, 4, 20, 0], "a zip archive", "unzip"),
        ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4], "a 7z archive", "7z x"),
        (text("Rar!") + [0x1a, 7, 1, 0], "a RAR archive", "unrar x"),
        ([0x04, 0x22, 0x4d, 0x18, 0x60], "lz4 data", "lz4 -dc"),
        (text("LZIP") + [1, 0x0c], "lzip data", "lzip -dc"),
        ([0x5d, 0, 0, 0x80, 0, 0xff], "lzma data", "xz --format=lzma"),
        ([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0], "skippable frame", "zstd -dc"),
        ([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], "an ELF program", "docker save"),
        ([0x4d, 0x5a, 0x90, 0, 3], "a Windows program", "docker save"),
        (text("hsqs") + [7, 0, 0, 0], "squashfs", "docker save"),
        (text("#!/usr/bin/env run-singularity\n") + [0] + text("SIF_MAGIC") + [0, 1], "Apptainer", "docker save"),
        (text("QFI") + [0xfb, 0, 0, 0, 3], "qcow2", "docker save"),
        ([UInt8](repeating: 0, count: 32769) + text("CD001"), "an ISO image", "mount"),
        ([UInt8](repeating: 0, count: 1080) + [0x53, 0xef], "an ext file system", "docker save"),
        (text("!<arch>\ndebian-binary"), "Debian package", "docker save"),
        (text("070701") + text("00000001"), "cpio", "cpio -id"),
        ([UInt8](repeating: 0, count: 10240), "zeros alone", "curl"),
        // The `>` of PowerShell, by versions and code pages.
        (utf16(tar, mark: [0xff, 0xfe]), "UTF-16", "docker save -o"),
        (utf16(tar, mark: [0xfe, 0xff], bigEndian: true), "UTF-16", "docker save -o"),
        (utf16(tar), "UTF-16", "docker save -o"),
        (utf16(tar, bigEndian: true), "UTF-16", "docker save -o"),
        (utf16([0x1f, 0xef, 8, 0, 0, 0, 0, 0, 0, 3, 0xed, 0x57]), "UTF-16", "docker save -o"),
        ([0x1f, 0xef, 0xbf, 0xbd, 8, 0, 0], "written as text", "docker save -o"),
        ([0x28, 0xef, 0xbf, 0xbd, 0x2f, 0xef, 0xbf, 0xbd, 4], "written as text", "docker save -o"),
        ([0xef, 0xbb, 0xbf] + tar, "written as text", "docker save -o"),
    ]

    private func content(_ path: String) -> ForeignContent? {
        do {
            _ = try ReferenceReader().read(path)
        } catch let error as ImageError where error.code == .foreign {
            return error.cause as? ForeignContent
        } catch {
            Issue.record("\(error)")
        }
        return nil
    }

    @Test(arguments: files.indices)
    func isNamed(_ index: Int) throws {
        let place = try Workplace()
        let (bytes, kind, advice) = Self.files[index]
        let path = try place.file("app.tar", bytes)
        let found = try #require(content(path))
        #expect(found.place == path && found.kind.contains(kind) && found.advice.contains(advice), "\(found)")
        #expect(!found.advice.contains("FILE"), "\(found)")
    }

    @Test(arguments: ["gzip", "zstd -q", "xz", "bzip2"], ["page", "elf", "zip"])
    func isNamedInsideOfItsCompression(_ program: String, _ kind: String) throws {
        let place = try Workplace()
        let bytes = ["page": Self.text(Self.page), "elf": [0x7f, 0x45, 0x4c, 0x46, 2, 1], "zip": [0x50, 0x4b, 3, 4]][
            kind]
        let path = try place.file("app.tar", place.packed(try #require(bytes), program))
        let found = try #require(content(path))
        let name = program.split(separator: " ")[0]
        #expect(found.kind.hasSuffix(", compressed with \(name)"), "\(found)")
        #expect(["HTML", "ELF", "zip"].contains { found.kind.contains($0) }, "\(found)")
    }

    @Test(arguments: [("gzip", "gzip"), ("zstd -q", "gzip"), ("gzip", "xz")])
    func whatIsCompressedTwiceIsToBeUnpackedOnce(_ inner: String, _ outer: String) throws {
        let place = try Workplace()
        let path = try place.file("app.tar", place.packed(place.packed(Self.tar, inner), outer))
        let found = try #require(content(path))
        #expect(found.advice.contains("compressed twice") && found.advice.contains("\(outer) -dc \(path)"), "\(found)")
    }

    @Test func aNameIsAWordOfTheCommand() throws {
        let place = try Workplace()
        let path = try place.file("it's an app.tar", [0x50, 0x4b, 3, 4])
        let found = try #require(content(path))
        #expect(found.advice.hasSuffix("unzip '\(place.path)/it'\\''s an app.tar'"), "\(found)")
    }

    /// What cannot be told is not guessed.
    @Test(arguments: [
        [UInt8](repeating: 0xa5, count: 700), [0x1f, 0x8b, 0x07], [0xff, 0xfd, 0x41], [0x61, 0, 0x62, 0xd8],
    ])
    func otherBytesAreDamage(_ bytes: [UInt8]) throws {
        let place = try Workplace()
        let path = try place.file("app.tar", bytes)
        #expect {
            _ = try ReferenceReader().read(path)
        } throws: { error in
            guard let text = (error as? ImageError)?.message, (error as? ImageError)?.code == .damaged else {
                return false
            }
            return text.contains("unrecognised binary data") && text.contains("expected a tar")
        }
    }
}
