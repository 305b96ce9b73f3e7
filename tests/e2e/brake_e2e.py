# SPDX-License-Identifier: GPL-2.0-or-later
"""The brake: what the kernel does about a fast scanner by itself, shown while farewelld is stopped."""

import re
import signal
import unittest

from packets import ACK, ethernet, send_frames, tcp, udp
from standing import ECHO_PORT, StandingConnections
from trap_world import TrapWorld
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, TABLE, WorldTest, lasting, wait_until

PORTS = 5  # detect.burst as shipped


class Braked:
    """For a WorldTest that says how farewelld is started, and how many packets for closed ports have come as far as the operator's filter."""

    def setUp(self):
        super().setUp()
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "DROP")  # its stack would reset what its raw packets begin

    def start_stopped(self, *settings):
        """farewelld has built its table, and then judges nobody; the window is long, so that a slow machine is no scanner's rest."""
        daemon = self.start(f"detect.burst_window={lasting(30)}", *settings)
        daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(daemon.process.send_signal, signal.SIGCONT)
        return daemon

    def ask(self, ports, source=ATTACKER4, packet=tcp):
        target = SERVER6 if ":" in source else SERVER4
        frames = [ethernet(self.server_mac, packet(source, target, port)) for port in ports]
        self.attacker.call(lambda: send_frames(frames))

    def braked_packets(self):
        listing = self.server.run("nft", "list", "chain", "inet", TABLE, "trap_brake").stdout
        return sum(int(count) for count in re.findall(r"counter packets (\d+)", listing))

    def assert_let_in(self, count, of):
        """So many of the packets for closed ports have reached the operator's filter, and the rest has been dropped before."""
        wait_until(lambda: self.reached_operator() + self.braked_packets() >= of, "all have come")
        self.assertEqual(self.reached_operator(), count)

    def assert_allowlist_observer_and_who_wants_none_brake_nobody(self):
        for settings in (("allow.networks=198.18.0.0/24",), ("--observe",), ("trap.brake=false",)):
            with self.subTest(settings=settings):
                before = self.reached_operator()
                daemon = self.start_stopped(*settings)
                self.ask(range(7000, 7100))
                wait_until(lambda: self.reached_operator() - before >= 100, "all have come")
                daemon.process.send_signal(signal.SIGCONT)
                self.assertEqual(daemon.stop(), 0)


class WithTheTrap(Braked, StandingConnections, TrapWorld):
    def start(self, *settings):
        return self.start_trap(*settings)

    def test_a_fast_scan_gets_as_far_as_the_burst_that_bans(self):
        daemon = self.start_stopped()
        for number, source in enumerate((ATTACKER4, ATTACKER6), 1):
            self.ask(range(7000, 7100), source)
            self.assert_let_in(number * PORTS, of=number * 100)
        daemon.process.send_signal(signal.SIGCONT)
        self.wait_banned(ATTACKER4)
        self.wait_banned(ATTACKER6)
        self.assertEqual(daemon.explain(ATTACKER4)["evidence"]["distinct"], PORTS)

    def test_farewelld_hears_of_all_that_the_brake_stops(self):
        daemon = self.start_stopped()
        self.ask(range(7000, 7100))
        self.assert_let_in(PORTS, of=100)
        daemon.process.send_signal(signal.SIGCONT)
        self.wait_banned(ATTACKER4)
        wait_until(lambda: self.told(daemon) >= 100, "all have been told of")

    def test_it_follows_a_reload(self):
        config = self.write_config("")
        daemon = self.start_trap(config=config)
        self.write_config(f"[detect]\nburst = 8\nburst_window = \"{lasting(30)}\"\n")
        daemon.cli("reload")
        wait_until(lambda: daemon.status()["brake"]["ports"] == 8, "it is in force")
        self.assertNotIn("takes a restart", daemon.log())
        daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(daemon.process.send_signal, signal.SIGCONT)
        self.ask(range(7000, 7100))
        self.assert_let_in(8, of=100)
        daemon.process.send_signal(signal.SIGCONT)
        self.wait_banned(ATTACKER4)

    def test_the_plain_rule_brakes_at_its_own_number(self):
        self.start_stopped("detect.rule=plain")
        self.ask(range(7000, 7100))
        self.assert_let_in(10, of=100)

    def test_one_port_fewer_and_one_port_often_are_not_braked(self):
        self.start_stopped()
        for _ in range(10):
            self.ask(range(7000, 7000 + PORTS - 1))
        self.assert_let_in(10 * (PORTS - 1), of=10 * (PORTS - 1))
        self.assertEqual(self.keys_of("braked4"), [])

    def test_the_window_begins_with_the_first_port(self):
        self.start_stopped("detect.burst_window=100ms")
        self.ask(range(7000, 7003))
        wait_until(lambda: not self.keys_of("burst4"), "its window is over")
        self.ask(range(7003, 7006))
        self.assert_let_in(6, of=6)
        self.assertEqual(self.keys_of("braked4"), [])

    def test_it_lets_go_after_a_second(self):
        self.start_stopped()
        self.ask(range(7000, 7010))
        self.assert_let_in(PORTS, of=10)
        wait_until(lambda: not self.keys_of("braked4"), "it is let go")
        self.ask(range(7010, 7020))
        self.assert_let_in(PORTS + 1, of=20)  # and is braked again by the next port

    def test_connections_that_stand_go_on(self):
        self.serve_echo()
        self.nft(f"insert rule inet operator input tcp dport {ECHO_PORT} accept")
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")
        self.start_stopped()
        ask = self.connect(SERVER4)
        braked = self.braked_packets()
        self.ask(range(7000, 7100))
        wait_until(lambda: self.braked_packets() > braked, "it is braked")
        self.assertEqual(ask(), "echo")

    def test_the_allowlist_and_an_observer_and_who_wants_none_brake_nobody(self):
        self.assert_allowlist_observer_and_who_wants_none_brake_nobody()

    def test_whoever_is_allowed_meanwhile_is_let_go_at_once(self):
        self.start_stopped()
        self.ask(range(7000, 7010))
        self.assert_let_in(PORTS, of=10)
        self.nft(f"add element inet {TABLE} allow4 {{ {ATTACKER4} }}")
        self.ask(range(7010, 7020))
        wait_until(lambda: self.reached_operator() >= PORTS + 10, "these have come")

    def test_a_full_set_of_repeats_brakes_nobody(self):
        self.start_stopped()
        self.fill("known_syn4", 65536, lambda i: f"10.{i >> 16}.{(i >> 8) & 255}.{i & 255} . 1")
        for _ in range(20):
            self.ask([7000])
        self.assert_let_in(20, of=20)

    def test_the_status_tells_of_it(self):
        daemon = self.start_trap()
        self.assertEqual(daemon.status()["brake"], {"ports": 5, "window_seconds": 2.0})
        self.assertIn("who asks for 5 closed ports within 2s", daemon.cli("status").stdout)


class BehindARuleOfOnesOwn(Braked, WorldTest):
    """The article's rule hands closed ports to queues. farewelld does not hear of what is braked, so two more ports get by."""

    rule = "balanced"

    def setUp(self):
        super().setUp()
        self.server.run("nft", "add table inet witness; add chain inet witness input { type filter hook input priority -20; };"
                               "add rule inet witness input th dport 7000-7999 counter")

    def start(self, *settings):
        return self.start_daemon(*settings)

    def reached_operator(self):
        listing = self.server.run("nft", "list", "chain", "inet", "witness", "input").stdout
        return int(re.search(r"counter packets (\d+)", listing).group(1))

    def test_a_fast_scan_gets_two_ports_further(self):
        daemon = self.start_stopped()
        for number, source in enumerate((ATTACKER4, ATTACKER6), 1):
            self.ask(range(7000, 7100), source)
            self.assert_let_in(number * (PORTS + 2), of=number * 100)
        daemon.process.send_signal(signal.SIGCONT)
        self.wait_banned(ATTACKER4)
        self.wait_banned(ATTACKER6)

    def test_only_syns_for_ports_without_a_socket_count_and_are_stopped(self):
        self.start_stopped()
        for _ in range(10):
            self.ask((22, 80))
        self.ask(range(7000, 7020), packet=udp)
        self.ask(range(7100, 7120), packet=lambda source, target, port: tcp(source, target, port, flags=ACK))
        self.assert_let_in(40, of=40)
        self.assertEqual(self.server.run("nft", "list", "set", "inet", TABLE, "burst4").stdout.count("elements"), 0)
        self.ask(range(7200, 7250))
        self.assert_let_in(40 + PORTS + 2, of=90)
        self.ask(range(7000, 7020), packet=udp)
        self.assert_let_in(60 + PORTS + 2, of=110)

    def test_the_allowlist_and_an_observer_and_who_wants_none_brake_nobody(self):
        self.assert_allowlist_observer_and_who_wants_none_brake_nobody()

    def test_nobody_is_braked_when_farewelld_has_ended(self):
        daemon = self.start()
        self.assertEqual(daemon.status()["brake"], {"ports": PORTS + 2, "window_seconds": 2.0})
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn("trap", self.server.run("nft", "list", "table", "inet", TABLE).stdout)


if __name__ == "__main__":
    unittest.main()
