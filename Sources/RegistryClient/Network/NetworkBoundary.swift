import ImageModel
import ImageTransfer
import NIOCore
import Synchronization

/// Keeps a registry of the internet from leading its client, by redirects and token realms, to what only this machine
/// and its network can reach.
///
/// The address of the connection counts, since a name may have another one each time it is looked up. It is checked
/// before any request is sent. Where a proxy makes the connection, the proxy looks names up, and what it lets through
/// is its own affair; only addresses that stand in URLs are checked.
final class NetworkBoundary: Sendable {
    /// Where the registry itself is, by all connections to it so far.
    private enum Side {
        case unknown
        case inside
        case outside
    }

    private let registry: Address
    private let side: Mutex<Side>

    init(around registry: Address) {
        self.registry = registry
        // All that is known where a proxy makes the connections.
        side = Mutex(IPAddress(registry.host)?.isInternal == true ? .inside : .unknown)
    }

    /// Checks an address that needs no look-up.
    ///
    /// - Throws: `ImageError.refused`.
    func check(_ address: Address) throws {
        guard !address.hasSameOrigin(as: registry), IPAddress(address.host)?.isInternal == true else { return }
        try refuseOutsiders(address.authority)
    }

    /// Checks a connection that is open, or notes where the registry is.
    ///
    /// - Throws: `ImageError.refused`.
    func check(_ channel: any Channel, isRegistry: Bool) throws {
        let isInternal = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }?.isInternal ?? true
        if isRegistry {
            // A name that was outside once does not come inside by another answer of a name server.
            side.withLock { $0 = isInternal && $0 != .outside ? .inside : .outside }
        } else if isInternal {
            try refuseOutsiders(channel.remoteAddress.map { "\($0)" } ?? "a socket")
        }
    }

    private func refuseOutsiders(_ place: String) throws {
        guard side.withLock({ $0 }) != .inside else { return }
        throw ImageError.refused(
            "\(registry.origin): leads to \(place), an address of the internal network; only a registry in the "
                + "internal network may do that; to allow it, set proxy.internalredirects: true")
    }
}
