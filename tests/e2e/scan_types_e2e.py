# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way to scan, over IPv4 and IPv6: banned, and after how many closed ports. What counts is the evidence that the
daemon gives for its ban and that the kernel holds it; how the evidence is weighed is docs/detection.md's."""

import unittest

import packets
import world
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, WorldTest

PORTS = "1000-1060"


class ScanTypes(WorldTest):
    rule = None

    def scan(self, source, *command):
        """Runs the scanner until its source is banned; returns the ban as the daemon explains it."""
        scanner = self.attacker.start(*command, stdout=world.subprocess.DEVNULL, stderr=world.subprocess.DEVNULL)
        try:
            self.wait_banned(source, 60)
        finally:
            scanner.kill()
            scanner.wait()
        explanation = self.daemon.explain(source)
        self.assertTrue(explanation["banned"], explanation)
        return explanation

    def nmap(self, *options, most, tool=None, ports=PORTS, families=(4, 6)):
        """At most `most` closed ports are needed, in either family."""
        self.daemon = self.start_daemon()
        for source, target, family in ((ATTACKER4, SERVER4, ()), (ATTACKER6, SERVER6, ("-6",))):
            if (6 if family else 4) not in families:
                continue
            arguments = ["nmap", *family, "-n", "-Pn", "--max-retries", "1", *options]
            if ports is not None:
                arguments += ["-p", ports]
            explanation = self.scan(source, *arguments, target)
            self.assertLessEqual(len(explanation["ports"]), most, explanation["ports"])
            if tool is not None:
                self.assertIn(tool, explanation["evidence"]["tools"], explanation)
        return explanation

    def test_syn(self):
        self.nmap("-sS", most=5, tool="nmap")

    def test_connect(self):
        explanation = self.nmap("-sT", most=5)
        self.assertEqual(explanation["evidence"]["criterion"], "burst")

    def test_fin(self):
        self.nmap("-sF", most=5, tool="nmap")

    def test_null(self):
        self.nmap("-sN", most=5, tool="nmap")

    def test_xmas(self):
        self.nmap("-sX", most=5, tool="nmap")

    def test_maimon(self):
        self.nmap("-sM", most=10, tool="nmap")

    def test_ack(self):
        self.nmap("-sA", most=10, tool="nmap")

    def test_window(self):
        self.nmap("-sW", most=10, tool="nmap")

    def test_udp(self):
        self.nmap("-sU", "-T4", most=10)

    def test_sctp_init(self):
        self.nmap("-sY", most=5)

    def test_sctp_cookie_echo(self):
        self.nmap("-sZ", most=5)

    def test_ip_protocols(self):
        self.nmap("-sO", most=5, ports="30-100", families=(4,))

    def test_fragments(self):
        self.nmap("-sS", "-f", most=5, families=(4,))

    def test_fragments_of_a_chosen_size(self):
        self.nmap("-sS", "--mtu", "24", most=5, families=(4,))

    def test_data_in_the_syn(self):
        self.nmap("-sS", "--data-length", "25", most=5)

    def test_syn_from_the_port_of_dns(self):
        self.nmap("-sS", "-g", "53", most=5)

    def test_udp_from_the_port_of_dns(self):
        self.nmap("-sU", "-g", "53", "-T4", most=12)

    def test_bad_checksums(self):
        """nft sees such packets before anybody checks; the scanner learns from firewalls that answer them."""
        self.nmap("-sS", "--badsum", most=5, families=(4,))

    def test_bad_checksums_over_ipv6(self):
        """Not by nmap: it spoils the checksum of its own neighbour solicitations too, and so never sends a probe."""
        self.daemon = self.start_daemon()
        checksum = 40 + 16  # behind the IPv6 header, within TCP's
        frames = []
        for port in range(3000, 3005):
            packet = bytearray(packets.tcp(ATTACKER6, SERVER6, port))
            packet[checksum] ^= 0xFF
            frames.append(packets.ethernet(self.server_mac, bytes(packet)))
        self.attacker.call(lambda: packets.send_frames(frames))
        self.wait_banned(ATTACKER6)

    def test_paranoid_pace_of_seconds(self):
        """One probe a second: no burst, and still the raw stack's five."""
        self.nmap("-sS", "--scan-delay", "1s", "--max-parallelism", "1", most=5)

    def test_insane_pace(self):
        self.nmap("-sS", "-T5", "--min-rate", "2000", most=5, ports="1-2000")

    def test_operating_system_detection(self):
        """-O asks open ports and a closed one or two: with the port scan that it needs before, it is banned."""
        self.nmap("-O", most=5)

    def test_masscan(self):
        self.daemon = self.start_daemon()
        explanation = self.scan(ATTACKER4, "masscan", SERVER4, "-p1000-2000", "--rate", "500", "--wait", "1", "--interface",
                                "eth0", "--source-ip", ATTACKER4, "--router-mac", self.server_mac)
        self.assertLessEqual(len(explanation["ports"]), 5, explanation)
        self.assertIn("masscan", explanation["evidence"]["tools"])

    def test_hping3(self):
        self.daemon = self.start_daemon()
        explanation = self.scan(ATTACKER4, "hping3", "-S", "-p", "++1000", "-c", "60", "-i", "u20000", SERVER4)
        self.assertLessEqual(len(explanation["ports"]), 5, explanation)
        self.assertIn("hping3", explanation["evidence"]["tools"])

    def test_ipv6_extension_headers_in_any_order(self):
        """The same chain of headers never twice, one probe each."""
        self.daemon = self.start_daemon()
        chains = [(0,), (60,), (43,), (0, 60), (60, 60), (0, 60, 60), (60, 0), (0, 43, 60)]
        frames = [packets.ethernet(self.server_mac, packets.tcp6_behind(chain, ATTACKER6, SERVER6, 3000 + number))
                  for number, chain in enumerate(chains)]
        self.attacker.call(lambda: packets.send_frames(frames))
        self.wait_banned(ATTACKER6)

    def test_decoys_are_recognised_and_banned_softly(self):
        """Several queues: whose packets are read first is chance, and who is banned before the others came is softened."""
        self.daemon = self.start_daemon()
        decoys = ["198.18.0.77", "198.18.0.78"]
        scanner = self.attacker.start("nmap", "-sS", "-n", "-Pn", "-p", PORTS, "-D", ",".join([*decoys, "ME"]), SERVER4,
                                      stdout=world.subprocess.DEVNULL, stderr=world.subprocess.DEVNULL)
        try:
            for source in (ATTACKER4, *decoys):
                others = sorted({ATTACKER4, *decoys} - {source})
                explanation = world.wait_until(lambda source=source, others=others: self.soft_ban(source, others),
                                               f"{source} banned softly with {others}")
                self.assertLess(explanation["ban"]["seconds_left"], 3601)
                self.assertLess(self.banned(4)[source]["expires"], 3601)
        finally:
            scanner.kill()
            scanner.wait()

    def soft_ban(self, source, others):
        explanation = self.daemon.explain(source)
        is_as_wanted = explanation["banned"] and explanation["ban"]["soft"] and explanation["ban"]["state"] == "enforced"
        return explanation if is_as_wanted and explanation["evidence"]["companions"] == others else None


if __name__ == "__main__":
    unittest.main()
