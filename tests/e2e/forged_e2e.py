# SPDX-License-Identifier: GPL-2.0-or-later
"""Forged sources: decoys that the host needs, and so many that they cannot all be meant."""

import os
import subprocess
import time

from counting_e2e import CountingTest
from packets import ethernet, send_frames, tcp
from world import ATTACKER4, PATIENCE, SERVER4, wait_until


class Forged(CountingTest):
    def test_decoys_that_this_host_needs_are_not_banned(self):
        gateway, resolver, friend, stranger = "198.18.0.254", "198.18.0.53", "198.18.0.10", "198.18.0.77"
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")
        self.server.run("ip", "route", "add", "default", "via", gateway)
        run = os.path.join(self.directory, "etc")
        os.makedirs(run)
        with open(os.path.join(run, "resolv.conf"), "w", encoding="utf-8") as file:
            file.write(f"nameserver {resolver}\n")
        wrapper = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
                   f'mount --bind {run}/resolv.conf /etc/resolv.conf && exec "$@"', "sh")
        daemon = self.start_daemon(f'allow.networks=["{friend}"]', wrapper=wrapper)
        host = daemon.status()["host"]
        self.assertEqual((host["gateways"], host["resolvers"]), ([gateway], [resolver]))
        scanner = self.attacker.start("nmap", "-sS", "-n", "-Pn", "--max-retries", "1", "-p", "1000-1060", "-D",
                                      ",".join([gateway, resolver, friend, stranger, "ME"]), SERVER4,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for source in (ATTACKER4, stranger):
                self.wait_banned(source, 60)
            # What they sent has been read as well: each of the five sent every port.
            wait_until(lambda: daemon.status()["packets"]["rules"].get("trusted", 0) >= 20, "their probes are disregarded")
        finally:
            scanner.kill()
            scanner.wait()
        self.assertEqual(set(self.banned(4)), {ATTACKER4, stranger})
        self.assert_served()
    SOURCES, PORTS, PARTS = 100_000, 5, 5

    def scan_from_many(self, first, count):
        """Each tries the same number of ports; in parts, so that the queues can follow."""
        def send():
            sent = 0
            for begin in range(first, first + count, 1000):
                sent += send_frames([ethernet(self.server_mac, tcp(f"198.{18 + number // 50000}.{10 + number % 50000 // 250}.{number % 250 + 1}", SERVER4, port))
                                     for number in range(begin, begin + 1000) for port in range(1000, 1000 + self.PORTS)])
            return sent
        return self.attacker.call(send)

    def resident(self, daemon):
        """In KiB."""
        with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def test_very_many_forged_scanners(self):
        # AddressSanitizer keeps what was freed; that is not what is measured.
        daemon = self.start_daemon(f"detect.threshold={self.PORTS}", "capture.max_length=200000",
                                   wrapper=("env", "ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=1"))
        began = time.monotonic()
        self.send(self.syns(self.PORTS))
        self.wait_banned(ATTACKER4)
        sent, resident, banned = self.PORTS, [], []
        for first in range(0, self.SOURCES, self.SOURCES // self.PARTS):
            sent += self.scan_from_many(first, self.SOURCES // self.PARTS)
            self.wait_judged(daemon, sent)
            resident.append(self.resident(daemon))
            banned.append(daemon.status()["bans"]["wanted"])
        daemon.wait_log("more than 1000 sources deserved a ban within a minute")
        bans = daemon.status()["bans"]
        self.assertGreaterEqual(bans["wanted"], 1000)
        # A thousand at once, and as many a minute.
        self.assertLess(bans["wanted"], 2000 + 1000 * (time.monotonic() - began) / 60)
        self.assertGreater(bans["withheld"], self.SOURCES // 2)
        self.assertLess(daemon.log().count("has been banned"), 1000 * PATIENCE, "the log is bounded too")
        # Who is banned takes some, and a slow machine has time for more of them.
        self.assertLess(resident[-1] - resident[0], (4 << 10) + 2 * (banned[-1] - banned[0]), "no memory for each of them")
        self.assertIn(ATTACKER4, self.banned(4), "whoever was banned before stays so")
        self.assert_served()
