import Foundation
import Testing

/// Addresses to listen at, on machines with both, either or oddly configured address families.
struct ListeningTests {
    struct Machine: Sendable, CustomTestStringConvertible {
        var name: String
        /// Commands in a network namespace of its own, in which the loopback interface is up.
        var setUp: String
        var addresses: [String]
        var testDescription: String { name }
    }

    private static let noIPv6 = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1"

    static let machines = [
        Machine(
            name: "both", setUp: "ip addr add 10.9.9.9/32 dev lo; ip addr add fd00::9/128 dev lo",
            addresses: ["127.0.0.1", "10.9.9.9", "[::1]", "[fd00::9]"]),
        Machine(name: "loopback only", setUp: "true", addresses: ["127.0.0.1", "[::1]"]),
        Machine(
            name: "no IPv6", setUp: "ip addr add 10.9.9.9/32 dev lo; \(noIPv6)", addresses: ["127.0.0.1", "10.9.9.9"]),
        Machine(
            name: "no IPv4", setUp: "ip addr flush dev lo; ip addr add fd00::9/128 dev lo",
            addresses: ["[fd00::9]"]),
        Machine(
            name: "IPv6 sockets without IPv4",
            setUp: "ip addr add 10.9.9.9/32 dev lo; ip addr add fd00::9/128 dev lo; sysctl -qw net.ipv6.bindv6only=1",
            addresses: ["127.0.0.1", "10.9.9.9", "[::1]", "[fd00::9]"]),
    ]

    /// Serves an archive at an address in a namespace, and asks it at each of the others.
    private func serve(at address: String, _ machine: Machine, _ addresses: [String], hosts: String = "") throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try scratch.write("127.0.0.1 localhost\n::1 localhost\n\(hosts)", to: "hosts")
        let asking = addresses.map { "ask \($0)" }.joined(separator: "\n")
        try scratch.write(
            """
            mount --bind \(scratch["hosts"]) /etc/hosts
            ip link set lo up
            \(machine.setUp)
            $DRAY serve --addr '\(address)' \(archive) > /dev/null 2> \(scratch["log"]) & pid=$!
            trap 'kill $pid; wait $pid' EXIT
            # Waits for the last of the listeners.
            ask() {
                curl -gsf -m 10 --retry 600 --retry-all-errors --retry-delay 0 --retry-max-time 20 \
                    "http://$1:5000/v2/_catalog" || { echo "$1 does not answer"; cat \(scratch["log"]); exit 1; }
            }
            \(asking)
            """, to: "run")
        let run = try Command.shell("unshare --net --mount bash \(scratch["run"])")
        #expect(run.status == 0, "\(address) on \(machine.name): \(run.text) \(run.errors)")
        #expect(run.lines.count == addresses.count)
    }

    @Test(arguments: machines) func anAddressWithoutAHostMeansAll(_ machine: Machine) throws {
        for address in [":5000", "[::]:5000"] { try serve(at: address, machine, machine.addresses) }
    }

    @Test func aNameMeansItsAddresses() throws {
        let hosts = "10.9.9.9 registry.test\nfd00::9 registry.test\n"
        let (both, noIPv6) = (Self.machines[0], Self.machines[2])
        try serve(at: "localhost:5000", both, ["127.0.0.1", "[::1]"])
        try serve(at: "registry.test:5000", both, ["10.9.9.9", "[fd00::9]"], hosts: hosts)
        try serve(at: "localhost:5000", noIPv6, ["127.0.0.1"])
        try serve(at: "registry.test:5000", noIPv6, ["10.9.9.9"], hosts: hosts)
        try serve(at: "[fd00::9]:5000", both, ["[fd00::9]"])
        try serve(at: "0.0.0.0:5000", both, ["127.0.0.1", "10.9.9.9"])
    }

    @Test func invalidAddressesAreReported() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        for (address, status, words) in [
            ("nowhere.invalid:5000", Int32(1), "cannot listen at nowhere.invalid: the name has no address"),
            ("203.0.113.7:5000", 1, "203.0.113.7:5000"), ("::1:5000", 64, "an IPv6 address goes in brackets"),
            ("5000", 64, "expected [HOST]:PORT"), (":port", 64, "expected [HOST]:PORT"),
        ] {
            let run = try Command.dray("serve", "--addr", address, archive)
            #expect(run.status == status && run.errors.contains(words), "\(address): \(run.errors)")
        }
    }
}
