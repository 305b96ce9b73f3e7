#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Scans that take hours and days, with the package's programs on Debian's own kernel, in a machine whose time jumps while it is idle:

    tests/vm/run --virtual-time --limit 3600 tests/vm/slow_scans.py
"""

import json
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
HOUR = 3600.0
os.environ.setdefault("FAREWELL_PATIENCE", "60")  # time jumps as well while the machine waits for a file of its host

import suite  # noqa: E402

if "FAREWELLD" not in os.environ and __name__ == "__main__":
    _DIRECTORY = tempfile.TemporaryDirectory()
    os.environ.update(suite.programs_of_the_package(_DIRECTORY.name))

from world import ATTACKER4, SERVER4, Namespace, WorldTest, wait_until  # noqa: E402

Namespace.seconds = 72 * HOUR

# An ordinary client: its own stack, and a port that does not answer. One SYN each, before the stack repeats it.
_CONNECT = """
import socket, sys
for port in range(int(sys.argv[2]), int(sys.argv[3])):
    client = socket.socket()
    client.settimeout(0.5)
    try:
        client.connect((sys.argv[1], port))
    except OSError:
        pass
    client.close()
"""


class SlowScans(WorldTest):
    rule = None  # as shipped

    def setUp(self):
        super().setUp()
        self.began = time.time()
        self.daemon = self.start_daemon()

    def nmap(self, *arguments):
        self.attacker.run("nmap", "-n", "-Pn", "--max-retries", "0", *arguments, SERVER4, timeout=4 * HOUR)

    def connect(self, first, end):
        self.attacker.run("python3", "-c", _CONNECT, SERVER4, str(first), str(end))

    def banned_by(self):
        """The evidence; the ban may be over by now."""
        events = self.daemon.cli("--json", "events", "--source", ATTACKER4).stdout
        bans = [event for event in map(json.loads, events.splitlines()) if event["event"] == "ban"]
        self.assertTrue(bans, "it was never banned")
        return bans[-1]["evidence"]

    def tell(self, what):
        print(f"{what}: {(time.time() - self.began) / 60:.0f} minutes of the machine's time", flush=True)

    def test_nmap_paranoid_and_sneaky_are_banned_at_the_fifth_port(self):
        for timing, first in (("-T0", 1000), ("-T1", 2000)):
            with self.subTest(timing):
                self.nmap("-sS", timing, "-p", f"{first}-{first + 7}")
                evidence = self.banned_by()
                self.assertEqual((evidence["distinct"], evidence["criterion"]), (5, "patient"))
                self.daemon.cli("bans", "remove", ATTACKER4, check=False)
                self.tell(f"nmap -sS {timing} of eight ports")

    def test_a_paranoid_connect_scan_is_banned_at_the_tenth(self):
        self.nmap("-sT", "-T0", "-p", "1000-1011")
        self.assertEqual(self.banned_by()["distinct"], 10)
        self.tell("nmap -sT -T0 of twelve ports")

    def test_who_stops_at_nine_and_returns_within_a_day_is_banned(self):
        self.connect(1000, 1009)
        self.assert_no_bans()
        time.sleep(23 * HOUR)
        self.assert_no_bans()
        self.connect(2000, 2001)
        wait_until(lambda: ATTACKER4 in self.elements("soft4"), "the tenth port within a day")
        self.tell("nine ports, and one 23 hours later")

    def test_who_stops_at_nine_and_returns_the_day_after_is_not(self):
        self.connect(1000, 1009)
        time.sleep(25 * HOUR)
        self.connect(2000, 2009)
        wait_until(lambda: len(self.daemon.explain(ATTACKER4)["ports"]) == 9, "nine are known, and not eighteen")
        self.assertEqual(self.daemon.explain(ATTACKER4)["missing"], 1)
        self.assert_no_bans()
        self.tell("nine ports, and nine 25 hours later")


if __name__ == "__main__":
    unittest.main(verbosity=2)
