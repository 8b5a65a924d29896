/// Bytes that are pulled, in order, by one reader.
///
/// A source is used by one thread at a time and blocks while it waits: it belongs on a worker thread
/// (see `Workers`), never on the cooperative pool. Sources wrap sources: a verified, inflated tar
/// entry is three of them.
package protocol ByteSource: AnyObject {
    /// Fills `buffer` from its start and returns how many bytes it put there: at least one until the
    /// end, 0 at the end and ever after. It may put fewer than fit.
    ///
    /// - Throws: what stopped the reading. An error is never reported as an end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int

    /// Writes everything that is left to `sink`.
    func pump(into sink: any ByteSink) throws
}
