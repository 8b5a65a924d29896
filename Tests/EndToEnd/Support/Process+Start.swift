import Foundation

extension Process {
    /// Runs it with no signal blocked, as a shell would: some threads of a test run have nearly all of them blocked, and
    /// what they start has, too.
    func start() throws {
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        try run()
    }
}
