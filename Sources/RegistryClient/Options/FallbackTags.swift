/// What becomes of the tags under which registries without a referrers API list referrers.
package enum FallbackTags: Sendable {
    /// A referrer that is put is listed, and one that is listed stays so.
    case maintained
    /// None is made for what is put. One that is given is put, with what is listed there already.
    case merged
    /// Tags like any other.
    case exact
}
