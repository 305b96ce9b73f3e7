# SPDX-License-Identifier: GPL-2.0-or-later
"""The duel in short: scanners are banned, clients are not, and nobody is asked but the wire. `make duel` is the long one."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import world

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/duel/run.py")
PROGRAMS = ("nmap", "masscan", "hping3", "traceroute", "tcpdump")


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces and queues")
class Duel(unittest.TestCase):
    def setUp(self):
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            self.skipTest(f"missing: {' '.join(missing)}")
        self.directory = tempfile.mkdtemp(prefix="farewell-duel-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def duel(self, *arguments):
        kept = os.path.join(self.directory, "results.jsonl")
        result = subprocess.run([RUN, "--bin", os.path.dirname(world.FAREWELLD), "--keep", kept, *arguments], check=False,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=160)
        with open(kept, encoding="utf-8") as file:
            return result, [json.loads(line) for line in file]

    def test_scanners_are_banned_and_clients_are_not(self):
        result, rows = self.duel("--quick")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(len(rows), 10, result.stdout)
        for row in rows:
            if row["attack"] in ("nmap -sS", "nmap -6 -sS") and row["defender"] == "trap":
                self.assertEqual(row["revealed"], 0, row)

    def test_the_judge_sees_what_nobody_stops(self):
        """That the other could fail: without a defender the same scan is not banned and learns of every port it asks."""
        result, (row,) = self.duel("--only", "hping3 --scan", "--defender", "none", "--runs", "1")
        self.assertEqual((row["banned"], row["dropped"], row["during"]), (0, 0, False), result.stdout)
        self.assertGreater(row["revealed"], 4, result.stdout)
        self.assertGreater(row["closed"], 500, result.stdout)
