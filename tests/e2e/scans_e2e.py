# SPDX-License-Identifier: GPL-2.0-or-later
"""Real scanners against the whole way: queue, daemon, kernel. Judged by what the kernel holds and the wire answers."""

import world
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, SERVER6_FOR_CLIENT, WorldTest


class ScanTest(WorldTest):
    settings = ()

    def scan(self, *command):
        return self.attacker.start(*command, stdout=world.subprocess.DEVNULL, stderr=world.subprocess.DEVNULL)

    def assert_scan_is_banned(self, source, target, *command):
        daemon = self.start_daemon(*self.settings)
        self.assert_served()
        self.assertTrue(self.can_connect(self.attacker, target), "the attacker is not yet banned")
        scanner = self.scan(*command)
        try:
            self.wait_banned(source, 60)
            self.assert_served()
            self.assert_shut_out(self.attacker, target)
        finally:
            scanner.kill()
            scanner.wait()
        self.assert_served(address=world.SERVER4_FOR_CLIENT)
        self.assertTrue(self.can_connect(self.client, SERVER6_FOR_CLIENT, 80, 5.0))
        daemon.wait_log(f"{source} has been banned")
        self.assertEqual(daemon.stop(), 0, daemon.log())


class RealScanners(ScanTest):
    def test_nmap_syn_scan_over_ipv4(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "nmap", "-sS", "-n", "-Pn", "--max-retries", "1", SERVER4)

    def test_nmap_syn_scan_over_ipv6(self):
        self.assert_scan_is_banned(ATTACKER6, SERVER6, "nmap", "-6", "-sS", "-n", "-Pn", "--max-retries", "1", SERVER6)

    def test_nmap_connect_scan(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "nmap", "-sT", "-n", "-Pn", "--max-retries", "1", SERVER4)

    def test_nmap_udp_scan(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "nmap", "-sU", "-n", "-Pn", "-T4", "--top-ports", "100", SERVER4)

    def test_nmap_fragmented_scan(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "nmap", "-sS", "-f", "-n", "-Pn", "-T4", SERVER4)

    def test_masscan(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "masscan", SERVER4, "-p1-2000", "--rate", "1000", "--wait", "1",
                                   "--interface", "eth0", "--source-ip", ATTACKER4, "--router-mac", self.server_mac)

    def test_hping3_scan(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "hping3", "--scan", "1000-1100", "-S", SERVER4)


class LoggedInsteadOfQueued(ScanTest):
    """The rule logs and the policy drops: no verdict waits for the daemon."""

    closed = "log group 7"
    settings = ("capture.source=nflog",)

    def test_nmap_syn_scan_over_ipv4(self):
        self.assert_scan_is_banned(ATTACKER4, SERVER4, "nmap", "-sS", "-n", "-Pn", "--max-retries", "1", SERVER4)

    def test_nmap_udp_scan_over_ipv6(self):
        self.assert_scan_is_banned(ATTACKER6, SERVER6, "nmap", "-6", "-sU", "-n", "-Pn", "-T4", "--top-ports", "100", SERVER6)


class FanoutByCpu(WorldTest):
    closed = "queue num 0-3 fanout"

    def test_one_source_over_several_queues_is_banned(self):
        daemon = self.start_daemon()
        for cpu, ports in ((0, "1000-1004"), (1, "2000-2004")):
            self.attacker.run("taskset", "-c", str(cpu), "nmap", "-sS", "-n", "-Pn", "--max-retries", "0", "-p", ports,
                              SERVER4)
        self.wait_banned(ATTACKER4)
        self.assertEqual(daemon.explain(ATTACKER4)["threshold"], 10)
        used = [queue["number"] for queue in daemon.status()["queues"] if queue["packets"]]
        if len(used) < 2:
            self.skipTest("this machine delivered everything on one CPU")
