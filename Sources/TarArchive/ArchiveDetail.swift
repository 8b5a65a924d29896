import CArchive

/// What libarchive says of an error, in brackets, with a space before it; empty where its words say nothing to a user.
func archiveDetail(_ archive: OpaquePointer) -> String {
    guard let text = archive_error_string(archive).map({ String(cString: $0) }) else { return "" }
    switch text {
    case "Truncated tar archive": return " (it ends too early)"
    case "Damaged tar archive": return " (invalid header)"
    case _ where text == "Unrecognized archive format" || text.contains("library error"): return ""
    default: return " (\(text))"
    }
}
