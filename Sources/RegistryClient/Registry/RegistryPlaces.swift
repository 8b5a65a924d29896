import ImageModel
import Synchronization

/// A repository in one registry.
struct RegistryPlace {
    let route: RegistryRoute
    let repository: String

    var registry: Registry { route.registry }
}

/// Where a registry's content is to be had: copies of it first, and itself last.
struct RegistryPlaces: Sendable {
    /// As the user names it.
    let host: String
    let main: RegistryRoute
    let mirrors: [RegistryRoute]

    func own(_ repository: String) -> RegistryPlace {
        RegistryPlace(route: main, repository: main.repository(repository, at: host))
    }

    /// - Parameter byDigest: what is asked for is named by that, and not by a tag.
    func all(_ repository: String, byDigest: Bool) -> [RegistryPlace] {
        mirrors.filter { !$0.health.isDown && (byDigest ? !$0.onlyTags : !$0.onlyDigests) }.map {
            RegistryPlace(route: $0, repository: $0.repository(repository, at: host))
        } + [own(repository)]
    }

    /// What the first place that has it has.
    ///
    /// - Parameter isOptional: it can be done without the registry itself if a mirror has answered.
    func read<T>(
        _ repository: String, byDigest: Bool, isOptional: Bool = false, _ body: (RegistryPlace) throws -> T?
    ) throws -> T? {
        var hasAnswered = false
        for place in all(repository, byDigest: byDigest).dropLast() {
            do {
                if let found = try body(place) { return found }
                hasAnswered = true
            } catch {
                passOver(place, error)
            }
        }
        do {
            return try ask(own(repository), body)
        } catch let error as ImageError where error.request?.isUnanswered == true && isOptional && hasAnswered {
            remarkDown(error)
            return nil
        }
    }

    /// What the registry itself has; and its mirrors, where it cannot be reached: they may not have all.
    func list<T>(_ repository: String, _ body: (RegistryPlace) throws -> T) throws -> T {
        do {
            return try ask(own(repository), body)
        } catch let error as ImageError where error.request?.isUnanswered == true {
            for place in all(repository, byDigest: false).dropLast() {
                guard let found = try? body(place) else { continue }
                remarkDown(error)
                return found
            }
            throw error
        }
    }

    /// A mirror is done without from now on, and the user is told so once.
    func passOver(_ place: RegistryPlace, _ error: any Error) {
        let isDown = (error as? ImageError)?.request?.isUnanswered == true
        guard place.route.health.note(error, isDown: isDown) else { return }
        main.registry.session.remark("the mirror \(place.registry.host) is passed over: \(error)")
    }

    /// Asks the registry itself, but not a second time once it could not be reached while there are mirrors.
    private func ask<T>(_ place: RegistryPlace, _ body: (RegistryPlace) throws -> T) throws -> T {
        if !mirrors.isEmpty, let error = main.health.failure { throw error }
        do {
            return try body(place)
        } catch let error as ImageError where error.request?.isUnanswered == true {
            _ = main.health.note(error, isDown: true)
            throw error
        }
    }

    private func remarkDown(_ error: ImageError) {
        guard main.health.isNews() else { return }
        main.registry.session.remark("only mirrors are asked: \(error)")
    }
}

/// Whether a registry could be reached so far.
final class RouteHealth: Sendable {
    private struct State {
        var failure: (any Error)?
        var isDown = false
        var isRemarked = false
    }

    private let state = Mutex(State())

    var isDown: Bool { state.withLock { $0.isDown } }
    /// What keeps it from being reached.
    var failure: (any Error)? { state.withLock { $0.isDown ? $0.failure : nil } }

    /// - Returns: whether this is the first failure.
    func note(_ error: any Error, isDown: Bool) -> Bool {
        state.withLock { state in
            defer { state.failure = error }
            state.isDown = state.isDown || isDown
            return state.failure == nil
        }
    }

    /// Whether nothing was said of it yet.
    func isNews() -> Bool {
        state.withLock { state in
            defer { state.isRemarked = true }
            return !state.isRemarked
        }
    }
}
