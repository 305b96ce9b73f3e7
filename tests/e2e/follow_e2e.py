# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell events --follow`: what was, then what comes; how it ends."""

import json
import os
import shutil
import signal
import subprocess
import unittest

import world
from counting_e2e import CountingTest
from world import ATTACKER4, ATTACKER6, CLIENT4, wait_until


class FollowTest(CountingTest):
    def follow(self, daemon, *arguments):
        """A running `farewell events --follow` whose output goes to a file."""
        path = os.path.join(self.directory, "followed")
        with open(path, "w", encoding="utf-8") as output:
            process = self.server.start(world.FAREWELL, "--socket", daemon.socket, "events", "--follow", *arguments,
                                        stdout=output, stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.output = path
        return process

    def text(self, process):
        with open(process.output, encoding="utf-8") as file:
            return file.read()

    def wait_events(self, process, expected):
        """The documents that have come, which must be these: (event, source)."""
        def come():
            lines = self.text(process).splitlines()
            return lines if len(lines) >= len(expected) else None
        lines = wait_until(come, f"{len(expected)} events:\n{self.text(process)}")
        events = [json.loads(line) for line in lines]
        self.assertEqual([(event["event"], event.get("source")) for event in events], expected)
        return events

    def ban(self, daemon, source):
        self.send(self.syns(10, source=source))
        self.wait_banned(source)

    def assert_ends(self, process, status):
        self.assertEqual(process.wait(timeout=20), status, self.text(process))


class Events(FollowTest):
    def test_what_was_and_what_comes_as_json_lines(self):
        daemon = self.start_daemon()
        self.ban(daemon, ATTACKER4)
        process = self.follow(daemon, "--json")
        events = self.wait_events(process, [("ban", ATTACKER4)])
        self.assertEqual(events[0]["schema"], "farewell/event/v1")
        self.ban(daemon, ATTACKER6)
        self.wait_events(process, [("ban", ATTACKER4), ("ban", ATTACKER6)])
        daemon.cli("bans", "remove", ATTACKER4)
        events = self.wait_events(process, [("ban", ATTACKER4), ("ban", ATTACKER6), ("unban", ATTACKER4)])
        self.assertEqual(len(events[1]["ports"]), 10, "a live event has all that the history would have")
        process.send_signal(signal.SIGINT)
        self.assert_ends(process, 0)

    def test_as_text_and_only_about_a_source(self):
        daemon = self.start_daemon()
        process = self.follow(daemon, "--source", ATTACKER4)
        daemon.cli("bans", "add", CLIENT4)
        daemon.cli("bans", "add", ATTACKER4)
        daemon.cli("bans", "remove", ATTACKER4)
        wait_until(lambda: "unban" in self.text(process), "the unban told")
        self.assertNotIn(CLIENT4, self.text(process))
        self.assertEqual(len(self.text(process).splitlines()), 2)
        process.send_signal(signal.SIGTERM)
        self.assert_ends(process, 0)

    def test_without_a_history_what_comes(self):
        daemon = self.start_daemon("history.enabled=false")
        daemon.cli("bans", "add", CLIENT4)
        process = self.follow(daemon, "--json")
        wait_until(lambda: self.is_connected(daemon), "it follows")
        daemon.cli("bans", "add", ATTACKER4)
        self.wait_events(process, [("ban", ATTACKER4)])

    def is_connected(self, daemon):
        """The daemon has accepted a client's connection beside its listening socket."""
        listing = self.server.run("ss", "-xH", "state", "connected").stdout
        return daemon.socket in listing

    def test_the_daemon_stops(self):
        for with_signal, banned in ((signal.SIGTERM, ATTACKER4), (signal.SIGKILL, ATTACKER6)):
            daemon = self.start_daemon(name=f"daemon{with_signal}")
            daemon.cli("bans", "add", banned)
            process = self.follow(daemon)
            wait_until(lambda: "ban" in self.text(process), "it follows")
            daemon.stop(with_signal)
            self.assert_ends(process, 69)
            self.assertIn("has closed the connection: it has stopped", self.text(process))

    def test_wrong_words(self):
        daemon = self.start_daemon()
        process = self.follow(daemon, "--max", "5000")
        self.assert_ends(process, 2)
        self.assertIn("max must be a number 1..1000", self.text(process))


class Example(FollowTest):
    """docs/examples/mail-on-bans, with a mail(1) that writes to a file."""

    EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/examples/mail-on-bans")

    def tool(self, name, text):
        path = os.path.join(self.directory, "bin", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    @unittest.skipUnless(shutil.which("jq"), "needs jq")
    def test_a_ban_is_mailed(self):
        daemon = self.start_daemon()
        mails = os.path.join(self.directory, "mails")
        self.tool("farewell", f'exec {world.FAREWELL} --socket {daemon.socket} "$@"\n')
        self.tool("mail", f'{{ echo "$@"; cat; }} >>{mails}.new; cp {mails}.new {mails}\n')
        process = self.server.start(
            os.path.join(self.EXAMPLE, "mail-on-bans"), "admin",
            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", PATH=f"{self.directory}/bin:{os.environ['PATH']}"))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # No telling from outside when it follows: the first ban that it mails may be any of these.
        number = iter(range(1, 250))

        def mailed():
            if not os.path.exists(mails):
                daemon.cli("bans", "add", f"198.18.9.{next(number)}")
            return os.path.exists(mails)
        wait_until(mailed, "a mail")
        self.ban(daemon, ATTACKER4)

        def text():
            with open(mails, encoding="utf-8") as file:
                return file.read()
        wait_until(lambda: f"-s farewell: {ATTACKER4} is banned admin" in text(), "a mail about the scanner")
        self.assertIn("It tried: tcp/1000 tcp/1001", text())
        daemon.stop()
        process.wait(timeout=20)  # the unit starts it anew

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_the_unit_is_well_formed(self):
        unit = os.path.join(self.directory, "farewell-mail-on-bans.service")
        with open(os.path.join(self.EXAMPLE, os.path.basename(unit)), encoding="utf-8") as file:
            text = file.read()
        script = os.path.join(self.directory, "mail-on-bans")
        shutil.copy(os.path.join(self.EXAMPLE, "mail-on-bans"), script)
        with open(unit, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/local/sbin/mail-on-bans", script))
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        self.assertEqual([line for line in result.stdout.splitlines() if "farewell-mail-on-bans" in line], [])
