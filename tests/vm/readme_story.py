#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md's "Your first ban in 60 seconds", followed to the letter: its commands and its ruleset are taken out of the page.
For a throw-away machine only, with what `make release` has built: tests/vm/run --limit 900 tests/vm/readme_story.py"""

import os
import re
import shlex
import subprocess
import unittest

from operator_world import ATTACKER4, SERVER4, SERVER4_FOR_CLIENT, OperatorTest, run
from world import wait_until

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def chapter():
    with open(f"{ROOT}/README.md", encoding="utf-8") as file:
        return file.read().split("## Your first ban in 60 seconds")[1].split("\n## ")[0]


def command_with(text, word):
    """What stands in the page as a command of an operator's, without sudo: everybody is root here."""
    commands = re.findall(r"`sudo ([^`]+)`|^ +sudo (.+)$|^ +\$ sudo (.+)$", text, re.MULTILINE)
    found = [command for groups in commands for command in groups if word in command]
    if not found:
        raise AssertionError(f"README.md tells no command with `{word}`")
    return shlex.split(found[0])


class Readme(OperatorTest):
    def start(self, *command):
        log = open("/tmp/farewelld.log", "w", encoding="utf-8")  # noqa: SIM115
        self.addCleanup(log.close)
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        wait_until(lambda: run("farewell", "status", check=False).returncode == 0, "farewelld runs", 60)
        return daemon

    def test_your_first_ban(self):
        text = chapter()
        self.step("install")
        run(*command_with(text, "make release install"), cwd=ROOT)
        programs = re.findall(r"`(farewelld?)` into `([^`]+)`", text)
        self.assertEqual(len(programs), 2)
        for name, directory in programs:
            self.assertTrue(os.access(f"{directory}/{name}", os.X_OK), name)
        self.step("the rule")
        self.load(re.search(r"```\n( +table inet .*?)```", text, re.DOTALL).group(1))

        self.step("observe")
        observing = self.start(*command_with(text, "--observe"))
        self.scan()
        wait_until(lambda: ATTACKER4 in run("farewell", "events").stdout, "the scan is told among the events")
        self.assertIn("observing, nothing is banned", run("farewell", "status").stdout)
        self.assertTrue(self.is_let_in(self.attacker, SERVER4))
        said = run(*command_with(text, "doctor"), check=False).stdout
        self.assertRegex(said, r"✔ .*queue", "the rule is where it should be")
        observing.terminate()
        observing.wait(60)

        self.step("enforce")
        self.start(*[part for part in command_with(text, "--observe") if part != "--observe"])
        self.scan()
        wait_until(lambda: "BANNED" in run("farewell", "explain", ATTACKER4).stdout, "the scanner is banned")
        self.assertFalse(self.is_let_in(self.attacker, SERVER4))
        self.assertTrue(self.is_let_in(self.client, SERVER4_FOR_CLIENT))
        for word in ("farewell status", "farewell explain"):
            self.assert_same_screen(text, command_with(text, word))
        run("farewell", "bans", "remove", ATTACKER4)
        self.assertTrue(self.is_let_in(self.attacker, SERVER4))
        self.step("the end")

    def assert_same_screen(self, text, command):
        """Each line of the page's is on the screen, as far as its numbers, times and names go."""
        shown = text.split(f"$ sudo {' '.join(command)}\n")[1].split("\n\n")[0].split("```")[0]
        said = run(*command).stdout
        for line in shown.splitlines():
            heading = line.split()[0] if line.split() else ""
            if heading and not re.match(r"\d\d:", heading):
                self.assertIn(heading, said, f"{' '.join(command)}: {said}")


if __name__ == "__main__":
    unittest.main()
