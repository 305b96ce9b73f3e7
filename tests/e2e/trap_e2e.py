# SPDX-License-Identifier: GPL-2.0-or-later
"""The trap and its hesitation against real scanners, real clients and floods; bench/trap runs the long series."""

import subprocess
import time
import unittest

import packets
import trap_world
import world
from trap_world import OPEN_TCP, TrapWorld, median, seconds_since
from world import ATTACKER4, ATTACKER6, CLIENT4, SERVER4, SERVER4_FOR_CLIENT, SERVER6, SERVER6_FOR_CLIENT, TABLE, lasting, wait_until

# A first retransmission comes after one second; under load the answer may take a while longer.
FIRST_RETRANSMISSION = (0.9, 2.5)


# Returns when all of them are connected.
_AT_ONCE = """
import select, socket, sys
waiting = select.poll()
sockets = {}
for port in sys.argv[2].split(","):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex((sys.argv[1], int(port)))
    sockets[one.fileno()] = one
    waiting.register(one, select.POLLOUT)
while sockets:
    for fd, _ in waiting.poll():
        waiting.unregister(fd)
        sockets.pop(fd).close()
"""


class Scanners(TrapWorld):
    """What a scanner learns: as long as it is not banned yet, the hesitation keeps it from learning anything."""

    def test_nmap_syn_scan_learns_nothing(self):
        daemon = self.start_trap()
        self.assertEqual(self.nmap("-sS"), [])
        self.wait_banned(ATTACKER4)
        self.assertEqual(self.nmap("-6", "-sS"), [])
        self.wait_banned(ATTACKER6)
        self.assert_served()
        self.forget(daemon)
        self.assertEqual(self.nmap("-sS", "-g", "53"), [])  # one source port throughout
        self.wait_banned(ATTACKER4)

    def test_nmap_connect_scan_learns_next_to_nothing(self):
        daemon = self.start_trap()
        revealed = 0
        for _ in range(3):
            revealed += len(self.nmap("-sT"))
            self.wait_banned(ATTACKER4)
            self.forget(daemon)
        self.assertLessEqual(revealed, 6, "three runs, of fifteen open ports each")

    def test_masscan_learns_nothing(self):
        self.start_trap()
        self.assertEqual(self.masscan(), [])
        self.wait_banned(ATTACKER4)

    def test_a_syn_scan_of_open_ports_alone_learns_nothing(self):
        self.start_trap()
        ports = ("-p", ",".join(map(str, OPEN_TCP)))
        self.assertEqual(self.nmap("-sS", ports=ports), [])
        self.assertEqual(self.nmap("-6", "-sS", ports=ports), [])
        self.assert_no_bans()  # nobody is a scanner for that alone

    def test_without_hesitation_a_scanner_learns(self):
        """That the others could fail."""
        self.start_trap("trap.hesitation=off")
        self.assertNotEqual(self.nmap("-sS", ports=("-p", ",".join(map(str, OPEN_TCP)))), [])

    def test_suspects_alone_are_held_when_so_told(self):
        self.start_trap("trap.hesitation=suspects")
        self.assertNotEqual(self.nmap("-sS", ports=("-p", "22,80")), [], "bare, but no suspect")
        self.assertTrue(self.can_connect(self.attacker, SERVER4))
        self.assertFalse(self.can_connect(self.attacker, SERVER4, 81, 0.1))
        begin = time.monotonic()
        self.assertTrue(self.can_connect(self.attacker, SERVER4, 80, 5.0))
        self.assertGreater(seconds_since(begin), FIRST_RETRANSMISSION[0])


    def test_only_a_true_retransmission_passes(self):
        self.start_trap()
        first, other = (packets.ethernet(self.server_mac, packets.tcp(ATTACKER4, SERVER4, 80, source_port=port))
                        for port in (40000, 40001))
        self.attacker.call(lambda: packets.send_frames([first, first, other, other]))
        wait_until(lambda: self.held_packets() == 2, "the first of each is held")
        wait_until(lambda: not self.keys_of("held_tcp_now4"), "a retransmission may come")
        self.assertEqual(self.reached_operator("open"), 0, "and what repeats it at once as well")
        self.attacker.call(lambda: packets.send_frames([first]))
        wait_until(lambda: self.reached_operator("open") == 1, "a repeat after a while passes")


class Detection(TrapWorld):
    def assert_banned_by(self, *scan, family=4):
        scanner = self.attacker.start("nmap", "-n", "-Pn", "-T4", "--max-retries", "1", *scan,
                                      SERVER6 if family == 6 else SERVER4, stdout=subprocess.DEVNULL)
        try:
            self.wait_banned(ATTACKER6 if family == 6 else ATTACKER4, 60)
        finally:
            scanner.kill()
            scanner.wait()

    def test_stealth_scans_are_seen_before_ct_state_invalid_drop(self):
        # Somebody drops what is invalid as early as connections are known at all.
        self.nft("table inet early {", "chain prerouting {", "type filter hook prerouting priority -197;",
                 "ct state invalid drop", "}", "}")
        daemon = self.start_trap()
        for scan in ("-sN", "-sF", "-sX", "-sM"):
            for family in (4, 6):
                with self.subTest(scan=scan, family=family):
                    self.assert_banned_by(scan, *(["-6"] if family == 6 else []), family=family)
                    self.forget(daemon)

    def test_udp_and_ack_and_sctp_scans(self):
        daemon = self.start_trap()
        for scan in ("-sU", "-sA", "-sY"):
            with self.subTest(scan=scan):
                self.assert_banned_by(scan)
                self.forget(daemon)

    def test_the_ban_comes_at_about_the_fifth_closed_port(self):
        daemon = self.start_trap()
        self.nmap("-sS", ports=("-p", "1000-1004", "--max-retries", "0"))
        self.wait_banned(ATTACKER4)
        self.assertLessEqual(daemon.explain(ATTACKER4)["evidence"]["distinct"], 5)

    def test_the_operators_filter_decides_as_before(self):
        before = self.count_of_what_passes()
        daemon = self.start_trap("trap.hesitation=off")
        self.assertEqual(self.count_of_what_passes(), before)
        daemon.stop()

    def count_of_what_passes(self):
        """What reaches the end of the operator's chain, when each of these comes once."""
        self.server.run("nft", "reset", "counters", "table", "inet", "operator")
        begin = self.reached_operator()
        mac = self.server_mac
        frames = [packets.ethernet(mac, packets.tcp(ATTACKER4, SERVER4, 7001)),
                  packets.ethernet(mac, packets.udp(ATTACKER4, SERVER4, 7002, b"x")),
                  packets.ethernet(mac, packets.tcp(ATTACKER6, SERVER6, 7003)),
                  packets.ethernet(mac, packets.udp(ATTACKER6, SERVER6, 7004, b"x"))]
        self.attacker.call(lambda: packets.send_frames(frames, times=3))
        wait_until(lambda: self.reached_operator() - begin >= 12, "all have come")
        return self.reached_operator() - begin

    def test_a_repeat_wakes_nobody(self):
        daemon = self.start_trap()
        frames = [packets.ethernet(self.server_mac, packets.tcp(ATTACKER4, SERVER4, 7001))]
        self.attacker.call(lambda: packets.send_frames(frames, times=1000))
        wait_until(lambda: self.reached_operator() >= 1000, "all have come")
        seen = wait_until(lambda: self.told(daemon), "one is told of")
        self.assertLess(seen, 10)

    def test_a_full_set_of_repeats_tells_of_everything(self):
        daemon = self.start_trap("detect.rule=plain", "detect.threshold=60000")
        self.fill("known_syn4", 65536, lambda i: f"10.{i >> 16}.{(i >> 8) & 255}.{i & 255} . 1")
        frames = [packets.ethernet(self.server_mac, packets.tcp(ATTACKER4, SERVER4, port)) for port in range(7000, 7050)]
        self.attacker.call(lambda: packets.send_frames(frames, times=2))
        wait_until(lambda: self.told(daemon) >= 100, "all are told of")

    def test_observing_it_detects_and_keeps_nobody_waiting(self):
        daemon = self.start_trap("--observe")
        self.nmap("-sS", ports=("-p", "1000-1020"))
        daemon.wait_log(f"{ATTACKER4} would have been softly banned")
        self.assertEqual(self.nmap("-sS", ports=("-p", "22,80")), [22, 80])
        self.assertIsNone(self.banned())
        self.server.run("nft", "delete", "table", "inet", TABLE)
        daemon.wait_log("rebuilt")
        self.server.run("nft", "list", "chain", "inet", TABLE, "trap")
        self.assertEqual(daemon.status()["trap"]["hesitation"], "off")
        self.assertIn("trap      finds closed ports by itself   holds nobody", daemon.cli("status").stdout)

    def test_whoever_takes_it_out_has_it_back_at_once(self):
        daemon = self.start_trap()
        for change in ("flush chain inet {} trap", "flush ruleset", "delete table inet {}"):
            self.server.run("nft", *change.format(TABLE).split())
            wait_until(lambda: "goto trap_look" in self.server.run(
                "nft", "list", "chain", "inet", TABLE, "trap", check=False).stdout, change)
        self.assertEqual(daemon.stop(), 0)
        listing = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        self.assertNotIn("trap", listing, "nobody is held while nobody listens")
        self.assertIn("banned4", listing)

    def test_a_trap_on_queues_needs_the_kernels_statement(self):
        daemon = self.start_daemon("trap.enabled=true", ready=False)
        try:
            daemon.wait_ready()
        except AssertionError:
            self.assertEqual(daemon.wait_exit(), 78)
            self.assertIn('set capture.source = "nflog"', daemon.log())
            return
        self.assertEqual(self.nmap("-sS"), [])  # a kernel that has it
        self.wait_banned(ATTACKER4)


class Clients(TrapWorld):
    def test_ordinary_clients_notice_nothing(self):
        without = self.curl_times(self.client, SERVER4_FOR_CLIENT)
        self.start_trap()
        for address in (SERVER4_FOR_CLIENT, SERVER6_FOR_CLIENT):
            for _ in range(2):
                times = self.curl_times(self.client, address)
                self.assertLess(median(times), median(without) + 0.05)
                self.assertLess(max(times), FIRST_RETRANSMISSION[0], "one was held")
        # As many connections at once to one service as a browser makes, and then to a second one.
        self.connect_at_once([80] * 6)
        self.assertEqual(self.held_packets(), 0)

    def test_who_begins_with_several_services_at_once_waits_for_one_retransmission(self):
        self.start_trap()
        begin = time.monotonic()
        self.connect_at_once(OPEN_TCP)
        self.assertGreater(seconds_since(begin), FIRST_RETRANSMISSION[0])
        self.assertLess(seconds_since(begin), FIRST_RETRANSMISSION[1])
        self.assert_no_bans()

    def connect_at_once(self, ports):
        self.client.run("python3", "-c", _AT_ONCE, SERVER4_FOR_CLIENT, ",".join(map(str, ports)))

    def test_a_bare_stack_connects_at_its_first_retransmission(self):
        self.start_trap()
        self.bare_stack(self.client)
        for address in (SERVER4_FOR_CLIENT, SERVER6_FOR_CLIENT):
            for seconds in self.connect_times(self.client, address, (22, 80)):
                self.assertTrue(FIRST_RETRANSMISSION[0] < seconds < FIRST_RETRANSMISSION[1], seconds)
        self.assert_no_bans()

    def test_after_a_closed_port_a_client_waits_for_one_retransmission(self):
        self.start_trap(f"trap.hold={lasting(5)}")
        for address in (SERVER4_FOR_CLIENT, SERVER6_FOR_CLIENT):
            self.assertFalse(self.can_connect(self.client, address, 81, 0.1))
            seconds, = self.connect_times(self.client, address, (80,))
            self.assertTrue(FIRST_RETRANSMISSION[0] < seconds < FIRST_RETRANSMISSION[1], seconds)
            wait_until(lambda: not self.keys_of("suspect6" if ":" in address else "suspect4"), "it is no suspect")
            seconds, = self.connect_times(self.client, address, (80,))
            self.assertLess(seconds, FIRST_RETRANSMISSION[0])
        self.assert_no_bans()

    def test_who_goes_on_trying_closed_ports_waits_for_two(self):
        self.start_trap(f"trap.hold={lasting(5)}")
        for port in (81, 82, 83):
            self.assertFalse(self.can_connect(self.client, SERVER4_FOR_CLIENT, port, 0.1))
        self.assertTrue(self.keys_of("insistent4"))
        seconds, = self.connect_times(self.client, SERVER4_FOR_CLIENT, (80,))
        self.assertTrue(1.9 < seconds < 4.5, seconds)  # Linux since 6.5 repeats every second, others after 1 and 3
        self.assert_no_bans()

    def test_answers_and_tails_make_nobody_suspect(self):
        self.start_trap()
        mac = self.server_mac
        tails = [packets.tcp(ATTACKER4, SERVER4, 7001, packets.SYN | packets.ACK, 443),
                 packets.tcp(ATTACKER4, SERVER4, 7002, packets.RST),
                 packets.udp(ATTACKER4, SERVER4, 40001, b"late", 53),
                 packets.udp(ATTACKER6, SERVER6, 40001, b"late", 443),
                 packets.tcp(ATTACKER6, SERVER6, 7001, packets.SYN | packets.ACK, 443)]
        self.attacker.call(lambda: packets.send_frames([packets.ethernet(mac, tail) for tail in tails]))
        wait_until(lambda: self.reached_operator() + self.reached_operator("invalid") >= 5, "they have come")
        self.assertEqual(self.keys_of("suspect4"), [])
        self.assertEqual(self.keys_of("suspect6"), [])
        self.attacker.call(lambda: packets.send_frames([packets.ethernet(mac, packets.tcp(ATTACKER4, SERVER4, 7001))]))
        wait_until(lambda: self.keys_of("suspect4"), "what asks for a connection is suspect")

    def test_the_allowlist_is_never_held(self):
        self.start_trap("allow.networks=198.18.1.0/24")
        self.bare_stack(self.client)
        self.assertFalse(self.can_connect(self.client, SERVER4_FOR_CLIENT, 81, 0.1))
        self.assertLess(max(self.connect_times(self.client, SERVER4_FOR_CLIENT)), FIRST_RETRANSMISSION[0])

    def test_a_flood_of_held_packets_refuses_nobody(self):
        self.start_trap()
        flood = self.attacker.start("hping3", "--flood", "--rand-source", "-S", "-p", "80", SERVER4,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: self.held_packets() >= 65536, "as many are held as a set has room for", 60)
            self.bare_stack(self.client)
            for seconds in self.connect_times(self.client, SERVER4_FOR_CLIENT, (22, 22, 22)):
                self.assertLess(seconds, FIRST_RETRANSMISSION[1], "held beyond its first retransmission")
        finally:
            flood.kill()
            flood.wait()
        self.assertEqual(self.banned(), {})

    def test_full_sets_of_suspects_suspect_nobody_else(self):
        self.start_trap("trap.hold=10m")
        self.fill("suspect4", 65536, lambda i: f"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}")
        self.assertFalse(self.can_connect(self.client, SERVER4_FOR_CLIENT, 81, 0.1))
        seconds, = self.connect_times(self.client, SERVER4_FOR_CLIENT, (80,))
        self.assertLess(seconds, FIRST_RETRANSMISSION[0])


class Commands(TrapWorld):
    def farewell(self, *arguments):
        return self.server.run(world.FAREWELL, *arguments, check=False,
                               env=dict(world.os.environ, ASAN_OPTIONS="detect_leaks=0"))

    def test_install_and_remove(self):
        config = self.write_config('[control]\nsocket = "/nonexistent"\n')
        ruleset = ("--socket", f"{self.directory}/daemon/control.sock", "ruleset")
        file = f"{self.directory}/conf.d/50-trap.toml"
        dry = self.farewell("-n", *ruleset, "install", "--config", config)
        self.assertIn("would write", dry.stdout)
        self.assertFalse(world.os.path.exists(file))
        self.assertIn("already removed", self.farewell(*ruleset, "remove", "--config", config).stdout)
        installed = self.farewell(*ruleset, "install", "--config", config)
        self.assertEqual(installed.returncode, 0, installed.stdout)
        self.assertIn("not running", installed.stdout)
        self.assertIn("already", self.farewell(*ruleset, "install", "--config", config, "--hook", "ufw").stdout)
        differs = self.farewell(*ruleset, "diff", "--config", config)
        self.assertEqual(differs.returncode, 1, differs.stdout)
        self.assertIn("+ \tchain trap {", differs.stdout)

        daemon = self.start_daemon(config=config)
        same = self.farewell(*ruleset, "diff", "--config", config)
        self.assertEqual((same.returncode, same.stdout), (0, ""))
        self.nmap("-sS")
        self.wait_banned(ATTACKER4)
        self.assertEqual(self.farewell(*ruleset, "diff", "--config", config).returncode, 0, "bans are no difference")

        removed = self.farewell(*ruleset, "remove", "--config", config)
        self.assertIn("restart it", removed.stdout)
        self.assertFalse(world.os.path.exists(file))
        differs = self.farewell(*ruleset, "diff", "--config", config)
        self.assertEqual(differs.returncode, 1)
        self.assertIn("- \tchain trap_early {", differs.stdout)
        daemon.stop()

    def test_what_an_unclean_end_left_is_taken_out(self):
        config = self.write_config("")
        daemon = self.start_trap(config=config)
        daemon.process.kill()
        daemon.wait_exit()
        ruleset = ("--socket", f"{self.directory}/daemon/control.sock", "ruleset")
        self.assertIn("already", self.farewell(*ruleset, "remove", "--config", config).stdout)
        listing = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        self.assertNotIn("trap", listing)
        self.assertIn("banned4", listing)

    def test_print_is_what_nft_would_load(self):
        printed = self.farewell("ruleset", "print", "--config", "/dev/null", "--set", "trap.enabled=true", "--set",
                                "capture.source=nflog")
        path = f"{self.directory}/printed.nft"
        with open(path, "w", encoding="utf-8") as file:
            file.write(printed.stdout)
        self.server.run("nft", "-f", path)
        self.assertEqual(self.farewell("ruleset", "diff", "--config", "/dev/null", "--set", "trap.enabled=true",
                                       "--set", "capture.source=nflog").returncode, 0)
        for firewall, expected in (("nftables", "queue num 0-3"), ("ufw", "-A ufw-after-input -j NFQUEUE"),
                                   ("firewalld", "ruleset install")):
            hook = self.farewell("ruleset", "print", "--config", "/dev/null", "--hook", firewall)
            self.assertIn(expected, hook.stdout)
        self.assertEqual(self.farewell("ruleset", "print", "--hook", "pf").returncode, 2)


class Forwarding(TrapWorld):
    """The server's namespace is a gateway; the client behind it serves one port."""

    def setUp(self):
        super().setUp()
        self.server.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        for namespace, gateway in ((self.attacker, SERVER4), (self.client, SERVER4_FOR_CLIENT)):
            namespace.run("ip", "route", "add", "198.18.0.0/15", "via", gateway)
        services = self.client.start("python3", "-c", trap_world._SERVICES, "80,443", "53", stdout=subprocess.PIPE)
        self.addCleanup(services.stdout.close)
        self.addCleanup(services.wait)
        self.addCleanup(services.kill)
        services.stdout.readline()
        self.nft("table inet gateway {", "chain forward {", "type filter hook forward priority 0; policy drop;",
                 "ct state established,related accept", "ip daddr 198.18.1.1 tcp dport { 80, 443 } accept", "}", "}")

    def test_ports_that_never_answer_are_told_of(self):
        daemon = self.start_trap('trap.forward=["198.18.1.0/24"]')
        for _ in range(3):
            for port in (80, 443):
                self.assertTrue(self.can_connect(self.attacker, CLIENT4, port))
        self.assertEqual({element["elem"]["val"]["concat"][2] for element in self.keys_of("served4")}, {80, 443})
        self.assertFalse(daemon.explain(ATTACKER4).get("probes", 0))
        scanner = self.attacker.start("nmap", "-sS", "-n", "-Pn", "-T4", "--max-retries", "3", CLIENT4,
                                      stdout=subprocess.DEVNULL)
        try:
            self.wait_banned(ATTACKER4, 60)
        finally:
            scanner.kill()
            scanner.wait()

    def test_forwarded_packets_pay_nothing_by_default(self):
        self.start_trap()
        self.assertNotIn("hook forward", self.server.run("nft", "list", "table", "inet", TABLE).stdout)


if __name__ == "__main__":
    unittest.main()
