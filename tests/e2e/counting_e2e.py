# SPDX-License-Identifier: GPL-2.0-or-later
"""What counts and what does not, with packets built byte by byte, so that every count is exact."""

import os

import world
from packets import ACK, RST, SYN, ethernet, ip, send_frames, tcp, udp
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, WorldTest, wait_until

CLOSED = range(1000, 1100)


class CountingTest(WorldTest):
    def setUp(self):
        super().setUp()
        # A reset or a port-unreachable of the attacker's own stack would only disturb the counts.
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "DROP")

    def send(self, packets, times=1, ether_type=None):
        frames = [ethernet(self.server_mac, packet, ether_type) for packet in packets]
        return self.attacker.call(lambda: send_frames(frames, times=times))

    def wait_judged(self, daemon, count, what="probes"):
        """Every packet sent has been read: a ban that has not come by now will not come."""
        wait_until(lambda: daemon.status()["packets"]["received"] >= count, f"{count} packets read")
        wait_until(lambda: daemon.status()["probes"]["judged"] >= daemon.status()["packets"][what], "all probes judged")

    def syns(self, count, first=1000, source=ATTACKER4):
        target = SERVER6 if ":" in source else SERVER4
        return [tcp(source, target, port) for port in range(first, first + count)]


class ExactlyTen(CountingTest):
    def test_nine_do_not_ban_and_the_tenth_does(self):
        daemon = self.start_daemon()
        self.send(self.syns(9))
        self.wait_judged(daemon, 9)
        self.assertEqual(len(daemon.explain(ATTACKER4)["ports"]), 9)
        self.assertEqual(daemon.explain(ATTACKER4)["missing"], 1)
        self.assert_no_bans()
        self.send(self.syns(1, first=2000))
        self.wait_banned(ATTACKER4)
        ports = [port["port"] for port in daemon.explain(ATTACKER4)["ports"]]
        self.assertEqual(ports, [f"tcp/{port}" for port in range(1000, 1009)] + ["tcp/2000"])

    def test_the_tenth_bans_over_ipv6(self):
        daemon = self.start_daemon()
        self.send(self.syns(9, source=ATTACKER6))
        self.wait_judged(daemon, 9)
        self.assert_no_bans()
        self.send(self.syns(1, first=2000, source=ATTACKER6))
        self.wait_banned(ATTACKER6)
        self.assertEqual(self.banned(4), {})

    def test_nine_ports_two_hundred_times_do_not_ban(self):
        daemon = self.start_daemon()
        sent = self.send(self.syns(9), times=200)
        self.wait_judged(daemon, sent)
        self.assertEqual(daemon.status()["probes"]["repeated"], sent - 9)
        self.assert_no_bans()
        self.assertTrue(daemon.status()["probes"]["judged"] == sent == 1800)

    def test_hping3_nine_ports_do_not_ban(self):
        daemon = self.start_daemon()
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")
        for port in range(1000, 1009):
            self.attacker.run("hping3", "-S", "-c", "2", "-i", "u1000", "-p", str(port), SERVER4, check=False)
        self.wait_judged(daemon, 18)
        self.assert_no_bans()
        self.attacker.run("hping3", "-S", "-c", "1", "-p", "1009", SERVER4, check=False)
        self.wait_banned(ATTACKER4)

    def test_threshold_of_three(self):
        daemon = self.start_daemon("detect.threshold=3")
        self.send(self.syns(2))
        self.wait_judged(daemon, 2)
        self.assert_no_bans()
        self.send(self.syns(1, first=2000))
        self.wait_banned(ATTACKER4)

    def test_udp_tcp_and_sctp_ports_of_one_number_are_distinct(self):
        daemon = self.start_daemon("detect.threshold=3")
        sctp_init = bytes([0x9C, 0x40, 1000 >> 8, 1000 & 255]) + bytes(8) + bytes([1, 0, 0, 4])
        self.send([tcp(ATTACKER4, SERVER4, 1000), udp(ATTACKER4, SERVER4, 1000), ip(ATTACKER4, SERVER4, 132, sctp_init)])
        self.wait_banned(ATTACKER4)
        self.assertEqual({port["port"] for port in daemon.explain(ATTACKER4)["ports"]},
                         {"tcp/1000", "udp/1000", "sctp/1000"})

    def test_a_short_window_forgets(self):
        daemon = self.start_daemon("detect.window=1s")
        self.send(self.syns(9))
        self.wait_judged(daemon, 9)
        wait_until(lambda: daemon.explain(ATTACKER4)["missing"] == 10, "the window has passed")
        self.send(self.syns(9, first=2000))
        self.wait_judged(daemon, 18)
        self.assert_no_bans()


class OverSeveralQueues(CountingTest):
    def test_one_source_by_balance_is_banned_at_the_tenth(self):
        """The balance hashes source and destination: many destinations scatter one source over the queues."""
        daemon = self.start_daemon()
        targets = [f"198.18.0.{host}" for host in range(100, 109)]
        for target in targets:
            self.server.run("ip", "addr", "add", f"{target}/24", "dev", "att")
        self.send([tcp(ATTACKER4, target, 1000 + index) for index, target in enumerate(targets)])
        self.wait_judged(daemon, 9)
        used = [queue["number"] for queue in daemon.status()["queues"] if queue["packets"]]
        self.assertGreater(len(used), 1, "the balance has put everything into one queue")
        self.assert_no_bans()
        self.send([tcp(ATTACKER4, targets[0], 2000)])
        self.wait_banned(ATTACKER4)


class OverCpus(CountingTest):
    closed = "queue num 0-3 fanout"

    def send_on(self, cpu, packets):
        frames = [ethernet(self.server_mac, packet) for packet in packets]

        def send():
            os.sched_setaffinity(0, {cpu})
            send_frames(frames)
        self.attacker.call(send)

    def test_nine_over_two_cpus_do_not_ban_and_the_tenth_does(self):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            self.skipTest("one CPU")
        daemon = self.start_daemon()
        self.send_on(cpus[0], self.syns(5))
        self.send_on(cpus[1], self.syns(4, first=2000))
        self.wait_judged(daemon, 9)
        used = [queue["number"] for queue in daemon.status()["queues"] if queue["packets"]]
        self.assertGreater(len(used), 1, "both CPUs fed one queue")
        self.assertEqual(daemon.explain(ATTACKER4)["missing"], 1)
        self.assert_no_bans()
        self.send_on(cpus[0], self.syns(1, first=3000))
        self.wait_banned(ATTACKER4)


class Logged(CountingTest):
    closed = "log group 9"

    def test_nine_do_not_ban_and_the_tenth_does(self):
        daemon = self.start_daemon("capture.source=nflog", "capture.group=9")
        self.send(self.syns(9))
        self.wait_judged(daemon, 9)
        self.assert_no_bans()
        self.assertEqual([group["number"] for group in daemon.status()["groups"]], [9])
        self.send(self.syns(1, first=2000))
        self.wait_banned(ATTACKER4)
        self.assertEqual(daemon.status()["groups"][0]["lost_in_socket"], 0)


class LoggedTooShort(CountingTest):
    closed = "log group 9 snaplen 30"

    def test_a_rule_that_copies_less_than_the_headers_bans_nobody(self):
        """The rule cuts what the daemon asked for: that is cut_short, and no evidence."""
        daemon = self.start_daemon("capture.source=nflog", "capture.group=9", "trap.brake=false")
        self.send(self.syns(20))
        self.wait_judged(daemon, 20)
        self.assertEqual(daemon.status()["packets"]["undecoded"]["cut_short"], 20)
        self.assert_no_bans()


class NeverCounts(CountingTest):
    def assert_never_counts(self, packets, reason):
        daemon = self.start_daemon()
        sent = self.send(packets)
        self.wait_judged(daemon, sent)
        status = daemon.status()
        self.assertEqual(status["packets"]["disregarded"][reason], sent, status["packets"])
        self.assertEqual(status["packets"]["probes"], 0)
        self.assert_no_bans()

    def test_reset(self):
        self.assert_never_counts([tcp(ATTACKER4, SERVER4, port, RST) for port in CLOSED], "backscatter")

    def test_reset_with_ack(self):
        self.assert_never_counts([tcp(ATTACKER4, SERVER4, port, RST | ACK) for port in CLOSED], "backscatter")

    def test_syn_with_ack(self):
        self.assert_never_counts([tcp(ATTACKER4, SERVER4, port, SYN | ACK) for port in CLOSED], "backscatter")

    def test_limited_broadcast(self):
        self.assert_never_counts([udp(ATTACKER4, "255.255.255.255", port) for port in CLOSED], "chatter")

    def test_directed_broadcast(self):
        self.assert_never_counts([udp(ATTACKER4, "198.18.0.255", port) for port in CLOSED], "chatter")

    def test_multicast(self):
        self.server.run("ip", "addr", "add", "239.1.2.3/32", "dev", "att", "autojoin", check=False)
        self.assert_never_counts([udp(ATTACKER4, "224.0.0.1", port) for port in CLOSED], "chatter")


class OrdinaryClients(CountingTest):
    def test_curl_retrying_one_closed_port(self):
        daemon = self.start_daemon()
        for _ in range(20):
            self.client.run("curl", "-s", "--connect-timeout", "0.1", f"http://{world.SERVER4_FOR_CLIENT}:81/", check=False)
        self.wait_judged(daemon, 20)
        self.assertEqual([port["port"] for port in daemon.explain(world.CLIENT4)["ports"]], ["tcp/81"])
        self.assert_no_bans()
        self.assert_served()

    def test_allowlisted_network_is_never_banned(self):
        daemon = self.start_daemon('allow.networks=["198.18.0.0/24", "2001:db8:0:1::/64"]')
        sent = self.send(self.syns(50) + self.syns(50, source=ATTACKER6))
        self.wait_judged(daemon, sent)
        self.assertEqual(daemon.status()["probes"]["allowlisted"], sent)
        self.assert_no_bans()
        self.assertTrue(daemon.explain(ATTACKER4)["allowlisted"])


class Traps(CountingTest):
    SOURCES = [f"fd06:db8:c612:32::{last:x}" for last in range(1, 13)]

    def test_ipv6_read_as_ipv4_would_ban_a_chosen_address(self):
        """The bytes of fd06:db8:c612:32:: are where an IPv4 header has its source: 198.18.0.50, an innocent."""
        daemon = self.start_daemon()
        self.send([tcp(source, SERVER6, 1000 + index) for index, source in enumerate(self.SOURCES)])
        self.wait_judged(daemon, 12)
        self.assert_no_bans()
        self.assertEqual(daemon.status()["sources"]["tracked"], 12)
        for source in self.SOURCES:
            self.send([tcp(source, SERVER6, port) for port in range(2000, 2009)])
        for source in self.SOURCES:
            self.wait_banned(source)
        self.assertEqual(set(self.banned(6)), set(self.SOURCES))
        self.assertEqual(self.banned(4), {})

    def test_malformed_packets_are_counted_and_harm_nobody(self):
        """The queue at prerouting, where the stack has not yet sorted out what is broken above the network header."""
        self.server.run("iptables-nft", "-w", "-t", "raw", "-A", "PREROUTING", "-i", "att", "-j", "NFQUEUE",
                        "--queue-num", "0")
        daemon = self.start_daemon()
        cut_tcp = ip(ATTACKER4, SERVER4, 6, b"\x10\x00\x20\x00\x00")
        cut_udp = ip(ATTACKER4, SERVER4, 17, b"\x10\x00")
        lying_tcp = ip(ATTACKER4, SERVER4, 6, bytes(12) + b"\xf0\x02" + bytes(6))
        empty = ip(ATTACKER4, SERVER4, 6, b"")
        not_ip = b"\x00" * 64
        sent = self.send([cut_tcp, cut_udp, lying_tcp, empty])
        self.send([not_ip], ether_type=0x88B5)
        self.wait_judged(daemon, sent)
        undecoded = daemon.status()["packets"]["undecoded"]
        self.assertEqual(undecoded["truncated"], 3, undecoded)
        self.assertEqual(undecoded["bad_header_length"], 1, undecoded)
        self.assert_no_bans()
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
