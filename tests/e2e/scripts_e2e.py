# SPDX-License-Identifier: GPL-2.0-or-later
"""The scripts that people run first: the demo tells a true story, and `run` leaves a host as it was."""

import os
import signal
import subprocess

import world
from counting_e2e import CountingTest
from world import ATTACKER4, SERVER4, wait_until

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
ENVIRONMENT = dict(os.environ, FAREWELL_BIN=os.path.dirname(world.FAREWELLD), ASAN_OPTIONS="detect_leaks=0")


class Run(CountingTest):
    def test_it_observes_and_leaves_everything_as_it_was(self):
        # A host whose own firewall accepts: a closed port answers with a reset, before, during and after.
        self.remove_policy()
        rules = self.server.run("nft", "list", "ruleset").stdout
        process = self.server.start(f"{ROOT}/scripts/run", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    env=ENVIRONMENT)
        self.addCleanup(process.stdout.close)
        lines = []

        def read_until(text):
            while not any(text in line for line in lines):
                line = process.stdout.readline()
                self.assertTrue(line, f"`{text}` in:\n" + "".join(lines))
                lines.append(line)
        read_until("observing")
        self.assertNotEqual(self.server.run("nft", "list", "ruleset").stdout, rules)
        self.send(self.syns(10))
        read_until(f"{ATTACKER4} would have been softly banned")
        self.assertIsNone(self.banned(4))
        self.assert_served()
        closed = ("curl", "-s", "--connect-timeout", "2", f"http://{world.SERVER4_FOR_CLIENT}:81/")
        self.assertEqual(self.client.run(*closed, check=False).returncode, 7, "the host's own answer: refused")
        process.send_signal(signal.SIGINT)
        read_until("the temporary rule has been removed")
        self.assertEqual(process.wait(timeout=20), 0)
        left = self.server.run("iptables-nft", "-t", "mangle", "-S").stdout
        self.assertNotIn("FAREWELL", left)
        self.assertNotIn("farewell_run", self.server.run("nft", "list", "ruleset").stdout)


class Demo(CountingTest):
    def test_the_story_comes_true(self):
        result = subprocess.run([f"{ROOT}/scripts/demo"], env=ENVIRONMENT, check=False,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150)
        self.assertEqual(result.returncode, 0, result.stdout)
        for part in ("banned: the kernel holds the ban", f"{ATTACKER4} has been banned", "set banned4",
                     f"{ATTACKER4}  BANNED at", "has been unbanned", "The story is told"):
            self.assertIn(part, result.stdout)
