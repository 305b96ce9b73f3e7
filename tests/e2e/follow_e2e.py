# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell events --follow`: what was, then what comes; how it ends."""

import json
import os
import signal
import subprocess

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
