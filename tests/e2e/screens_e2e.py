# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator reads first, with everything on it that is to be there: on a real scan, a real flush, a real repeat."""

import re
import unittest

from counting_e2e import CountingTest
from world import ATTACKER4, ATTACKER6, SERVER4, wait_until


class Screens(CountingTest):
    rule = None  # as shipped

    def setUp(self):
        super().setUp()
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")  # nmap's packets go that way

    def scan(self, ports="1000-1019"):
        self.attacker.run("nmap", "-sS", "-n", "-Pn", "--max-retries", "0", "-p", ports, SERVER4)

    def assert_lines(self, text, *patterns):
        for pattern in patterns:
            self.assertRegex(text, re.compile(pattern, re.MULTILINE))

    def test_status(self):
        config = self.write_config('[log]\nlevel = "debug"\n')
        daemon = self.start_daemon(config=config)
        self.scan()
        wait_until(lambda: ATTACKER4 in self.elements("soft4"), "the scanner is banned")
        daemon.cli("bans", "add", ATTACKER6)
        self.server.run("nft", "flush", "ruleset")
        wait_until(lambda: daemon.status()["nftables"]["repairs"] == 1, "the table is back")
        wait_until(lambda: "verdict_p99_seconds" in daemon.status()["packets"], "waits are looked at every second")
        self.assert_lines(
            daemon.cli("status").stdout,
            r"^● farewell \d+\.\d+\.\d+  enforcing   up \d+\w+   pid \d+   config " + re.escape(config) + r" \(read \d\d:\d\d:\d\d",
            r"^  queues    0-3, 4 threads   \d+ packets/s now, [1-9]\d* since the start   0 lost in kernel   verdict p99 \d+(\.\d)? (µs|ms)$",
            r"^  sources   \d+ tracked in 16 MiB   \d+ suspects \(5 ports or more\)$",
            r"^  bans      2 active \(1 IPv4, 1 IPv6\)   2 decided in the last hour   the next ends in 59m\d+s$",
            r"^  rule      10 points within 1d or 5 ports within 2s: banned for 1h, softly   2 decided, 0 unbanned since the start$",
            r"^  nftables  inet port_scanners_auto_ban   2 of 2 bans in force, verified \d+\w+ ago"
            r"   repaired once, \d+\w+ ago after nft \(process \d+\)$")

    def test_the_rate_is_of_now(self):
        daemon = self.start_daemon()

        def rate_under_load():
            self.send(self.syns(9), times=20)
            return daemon.status()["packets"]["per_second"]
        wait_until(lambda: rate_under_load() > 0, "packets come")
        wait_until(lambda: daemon.status()["packets"]["per_second"] == 0, "none come any more")

    def test_explain(self):
        daemon = self.start_daemon("ban.soft_duration=30m")
        self.scan()
        wait_until(lambda: ATTACKER4 in self.elements("soft4"), "the scanner is banned")
        daemon.cli("bans", "remove", ATTACKER4)
        self.scan("2000-2019")
        wait_until(lambda: ATTACKER4 in self.elements("soft4"), "the scanner is banned again")
        self.assert_lines(
            daemon.cli("explain", ATTACKER4).stdout,
            rf"^{ATTACKER4}  BANNED softly at \S+ \S+ until \S+ \S+ \(59m\d+s left\), offence 2 \(1h = 2 x 30m\)$",
            r"^  \d+ distinct closed ports within 2s: a burst, and 5 are enough; it tried these:$",
            r"^    \d\d:\d\d:\d\d\.\d{3}  tcp/20\d\d   syn$",
            r"^  interface att   TTL \d+ at the last probe   window 1024, 4 bytes of options   looks like nmap$",
            r"^  could it be forged\?  no handshake of this address was seen: yes, possible$",
            r"^  effect   new connections dropped, those that stand let be, element in soft4, \d+ packets since$",
            rf"^  undo:  farewell bans remove {ATTACKER4}      never again:  farewell allow add {ATTACKER4}$")


if __name__ == "__main__":
    unittest.main()
