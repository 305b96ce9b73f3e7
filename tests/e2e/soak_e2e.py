# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak in short: the same program as `make soak`, with a fixed seed and more of everything a second. And that its checks can fail."""

import ipaddress
import os
import subprocess
import sys
import unittest

import world

_SOAK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../soak")
sys.path.append(_SOAK)

import health  # noqa: E402
from kernel_look import Held, Look, network_of  # noqa: E402
from ledger import BAN_WITHIN, CALM_WITHIN, REPAIR_WITHIN, Ledger, Scan  # noqa: E402

RUN = os.path.join(_SOAK, "run.py")
SCANNER, CLIENT = "198.18.200.1", "198.19.0.1"


class Books(unittest.TestCase):
    """What the ledger says of looks into a kernel that somebody made up."""

    def setUp(self):
        self.violations = []
        self.ledger = Ledger(self.violations.append, lambda: {6000})
        self.ledger.protect(CLIENT, "an ordinary client")

    def scan(self, begin, end, number=1):
        self.ledger.begin_scan(number, {SCANNER}, "raw")
        self.ledger.end_scan(number, Scan("raw", (SCANNER,), begin, end, 1))

    def look(self, at, *bans, is_disturbed=False, undropped=()):
        """`bans`: addresses and seconds left."""
        held = {network_of(address): Held(True, seconds) for address, seconds in bans}
        self.ledger.compare(Look(at, 0.01, True, held, undropped), is_disturbed)

    def assert_violated(self, *parts):
        self.assertEqual(len(self.violations), len(parts), self.violations)
        for violation, part in zip(self.violations, parts):
            self.assertIn(part, violation)

    def test_a_ban_that_comes_and_runs_out(self):
        self.scan(0, 1)
        for at in range(1, 6000, 100):
            self.look(at, (SCANNER, 6000 - at))
        for at in (5999, 6000, 6100):
            self.look(at)
        self.assert_violated()
        self.assertEqual((self.ledger.counts["banned"], self.ledger.counts["ended"], self.ledger.pending), (1, 1, []))

    def test_a_ban_that_is_mended_in_its_last_moment(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 5999))
        self.look(5998, is_disturbed=True)
        self.look(5999, (SCANNER, 1))
        self.look(6100)
        self.assert_violated()

    def test_a_scanner_who_is_banned_once_more(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 5999))
        self.look(5990, (SCANNER, 10))
        self.scan(6000, 6001)
        self.look(6001, (SCANNER, 12000))
        self.assert_violated()
        self.assertEqual(self.ledger.counts["bans"], 2)

    def test_a_scanner_who_is_not_banned(self):
        self.scan(0, 1)
        self.look(1 + BAN_WITHIN)
        self.assert_violated()
        self.look(2 + BAN_WITHIN)
        self.assert_violated(f"LOST BAN: {SCANNER} scanned (raw, try 1)")

    def test_a_scanner_of_a_blind_time_tries_again(self):
        self.ledger.begin_blind(0.5)
        self.ledger.end_blind(0.8)
        self.scan(0, 1)
        self.look(2 + BAN_WITHIN)
        self.assertEqual([scan.expected for scan in self.ledger.to_repeat(4)], [(SCANNER,)])
        self.assert_violated()

    def test_a_scanner_who_may_have_been_banned_while_nobody_looked_tries_again(self):
        self.look(0.5)
        self.scan(0, 1)
        self.look(3 + BAN_WITHIN)
        self.assertEqual(len(self.ledger.to_repeat(3 + BAN_WITHIN)), 1)
        self.assert_violated()

    def test_a_ban_missing_for_too_long(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 5999))
        self.look(2)
        self.look(2 + CALM_WITHIN)
        self.assert_violated()
        self.look(2.1 + CALM_WITHIN)
        self.look(3.1 + CALM_WITHIN)
        self.assert_violated(f"LOST BAN: {SCANNER}/32")

    def test_a_ban_missing_while_it_is_mended(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 5999))
        self.look(2, is_disturbed=True)
        self.look(1.9 + REPAIR_WITHIN, is_disturbed=True)
        self.look(2.0 + REPAIR_WITHIN, (SCANNER, int(5998 - REPAIR_WITHIN)))
        self.assert_violated()

    def test_a_ban_that_lasts_longer_than_it_did(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 5999))
        self.look(101, (SCANNER, 5999))
        self.assert_violated("should be banned for 5899 s more, and the kernel says 5999 s")

    def test_a_ban_of_a_length_that_nobody_configured(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 3600))
        self.assert_violated("is banned for 3600 s")

    def test_bans_of_those_who_never_scanned(self):
        self.look(1, (CLIENT, 6000), ("198.18.200.9", 6000))
        self.assert_violated(f"WRONG BAN: {CLIENT}, an ordinary client", "198.19.0.1/32 never scanned", "198.18.200.9/32 never scanned")

    def test_a_client_in_a_banned_network(self):
        network = ipaddress.ip_network("198.19.0.0/24")
        self.ledger.ban_by_hand(network, 6000)
        self.ledger.compare(Look(1, 0.01, True, {network: Held(False, 6000)}, ()), False)
        self.assert_violated(f"WRONG BAN: {CLIENT}")

    def test_a_ban_that_was_lifted_and_is_still_there(self):
        self.scan(0, 1)
        self.look(1, (SCANNER, 5999))
        self.ledger.lift(network_of(SCANNER), 5)
        self.look(6, (SCANNER, 5994))
        self.assertEqual(self.ledger.bans, {})
        self.look(899)
        self.look(900, (SCANNER, 5100))
        self.assert_violated("is banned for 5100 s")

    def test_bans_that_no_rule_drops_by(self):
        self.look(1, undropped=("soft4",))
        self.assert_violated("LOST BAN: soft4 hold bans, and no rule drops by them")


class Leaks(unittest.TestCase):
    def life(self, kib_a_minute=0.0, descriptors=lambda second: 30, given_back=lambda second: 0):
        life = health.Life(1, "trap")
        life.is_warm()
        # Memory moves in steps, and clients come and go.
        life.samples = [(second, 20000.0 + second // 60 * kib_a_minute + 200 * (second % 7 == 0) - given_back(second), descriptors(second) + (second % 5 == 0), 8)
                        for second in range(700)]
        return life.leaks()

    def test_nothing_grows(self):
        self.assertEqual(self.life(), [])

    def test_memory_that_grows_within_the_bound(self):
        self.assertEqual(self.life(health.RSS_SLOPE_MAX * 0.8), [])

    def test_memory_that_grows(self):
        (leak,) = self.life(health.RSS_SLOPE_MAX * 1.3)
        self.assertIn("RSS grows by", leak)

    def test_memory_that_was_given_back_and_is_taken_again(self):
        self.assertEqual(self.life(given_back=lambda second: 0 if second < 150 else 6000 if second < 400 else 4500), [])
        (leak,) = self.life(health.RSS_SLOPE_MAX * 10, given_back=lambda second: 600 if 150 < second < 400 else 0)
        self.assertIn("RSS grows by", leak)

    def test_memory_that_was_taken_once_and_is_used_again(self):
        for at in (100, 200, 300, 400, 500, 600):
            with self.subTest(at=at):
                self.assertEqual(self.life(given_back=lambda second, at=at: 0 if second > at else 3000), [])

    def test_one_descriptor_in_five_minutes(self):
        self.assertEqual(self.life(descriptors=lambda second: 30 + second // 300), ["30 file descriptors have become 31"])


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces and queues")
class Soak(unittest.TestCase):
    def soak(self, seconds, *arguments):
        return subprocess.run([RUN, "--bin", os.path.dirname(world.FAREWELLD), "--busy", "--seed", "7",
                               "--seconds", str(round(seconds * world.PATIENCE)), *arguments],
                              check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=170 * world.PATIENCE)

    def assert_noticed(self, sabotage, what):
        result = self.soak(12, "--sabotage", sabotage)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(f"VIOLATION {what}", result.stdout)

    def test_nothing_is_violated(self):
        result = self.soak(40)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("violations     0\n", result.stdout)

    def test_an_end_that_nobody_asked_for_is_noticed(self):
        self.assert_noticed("exit", "farewelld ended by itself with -9")

    def test_a_lost_ban_is_noticed(self):
        self.assert_noticed("lost-ban", "LOST BAN: 198.18.")

    def test_a_wrong_ban_is_noticed(self):
        self.assert_noticed("wrong-ban", "WRONG BAN: 198.19.0.5, an ordinary client, is banned by 198.19.0.5/32")

    def test_a_drop_rule_that_is_gone_is_noticed(self):
        self.assert_noticed("no-drop", "LOST BAN: banned4")


if __name__ == "__main__":
    world.unittest.main()
