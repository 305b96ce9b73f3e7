# SPDX-License-Identifier: GPL-2.0-or-later
"""What is remembered over restarts, and that a disk which cannot be written keeps nobody in."""

import json
import os
import subprocess

from counting_e2e import CountingTest
from world import ATTACKER4, ATTACKER6, wait_until

KERNEL_HAD_IT = "found in the kernel at start; this is its evidence from the history"
MEMORY_ONLY = "the history is kept in memory only"


class HistoryTest(CountingTest):
    def events(self, daemon, *arguments):
        """The documents, oldest first."""
        return [json.loads(line) for line in daemon.cli("--json", "events", *arguments).stdout.splitlines()]

    def kinds(self, daemon, *arguments):
        return [(event["event"], event.get("source")) for event in self.events(daemon, *arguments)]

    def history(self, daemon):
        return daemon.status()["history"]

    def wait_events(self, daemon, count):
        wait_until(lambda: self.history(daemon)["events"] == count, f"{count} events in the history")

    def ban(self, daemon, source=ATTACKER4):
        before = self.history(daemon)["events"]
        self.send(self.syns(10, source=source))
        self.wait_banned(source)
        self.wait_events(daemon, before + 1)


class Restart(HistoryTest):
    def test_the_evidence_of_a_ban_outlives_the_daemon(self):
        daemon = self.start_daemon()
        self.ban(daemon)
        before = daemon.explain(ATTACKER4)
        self.assertNotIn("evidence_from", before)
        self.assertEqual(before["history"], {"earlier_bans": 0})
        self.assertEqual(daemon.stop(), 0)

        daemon = self.start_daemon()
        after = daemon.explain(ATTACKER4)
        self.assertEqual(after["evidence_from"], "history")
        self.assertEqual(after["evidence"], before["evidence"])
        self.assertEqual([port["port"] for port in after["ports"]], [port["port"] for port in before["ports"]])
        self.assertEqual(after["history"], {"earlier_bans": 0})
        screen = daemon.cli("explain", ATTACKER4).stdout
        self.assertIn(KERNEL_HAD_IT, screen)
        self.assertIn("tcp/1009", screen)

        daemon.cli("bans", "remove", ATTACKER4)
        self.wait_events(daemon, 2)
        self.assertEqual(self.kinds(daemon), [("ban", ATTACKER4), ("unban", ATTACKER4)])
        self.assertEqual(self.events(daemon)[1]["reason"], "by_operator")
        explanation = daemon.explain(ATTACKER4)
        self.assertFalse(explanation["banned"])
        self.assertEqual(explanation["history"]["earlier_bans"], 1)
        self.assertEqual(explanation["history"]["last"]["evidence"], before["evidence"])
        self.assertIn("banned once before", daemon.cli("explain", ATTACKER4).stdout)

        self.send(self.syns(10, first=3000))
        self.wait_banned(ATTACKER4)
        self.wait_events(daemon, 3)
        explanation = daemon.explain(ATTACKER4)
        self.assertNotIn("evidence_from", explanation)
        self.assertEqual(explanation["history"]["earlier_bans"], 1)

    def test_a_killed_daemon_has_kept_what_it_told(self):
        daemon = self.start_daemon()
        self.ban(daemon)
        self.ban(daemon, ATTACKER6)
        daemon.process.kill()
        daemon.wait_exit()
        daemon = self.start_daemon()
        self.assertEqual(self.kinds(daemon), [("ban", ATTACKER4), ("ban", ATTACKER6)])
        self.assertNotIn("corrupt", daemon.log())

    def test_a_ban_by_hand_is_known_as_such_after_a_restart(self):
        daemon = self.start_daemon()
        daemon.cli("bans", "add", "198.18.7.0/24", "--for", "2h")
        self.wait_events(daemon, 1)
        daemon.stop()
        daemon = self.start_daemon()
        self.assertIn("banned by hand", daemon.cli("explain", "198.18.7.9").stdout)

    def test_what_a_flush_cost_and_who_did_it(self):
        daemon = self.start_daemon()
        self.ban(daemon)
        self.server.run("nft", "flush", "ruleset")
        wait_until(lambda: ("repair", None) in self.kinds(daemon), "the repair in the history")
        repair = self.events(daemon)[-1]
        self.assertTrue(repair["rebuilt"])
        self.assertEqual(repair["bans"], 1)
        self.assertIn("nft (process ", repair["by"])
        self.assertIn("rebuilt with 1 ban", daemon.cli("events").stdout)


class Events(HistoryTest):
    def test_they_can_be_narrowed(self):
        daemon = self.start_daemon()
        self.ban(daemon)
        self.ban(daemon, ATTACKER6)
        self.assertEqual(self.kinds(daemon, "--source", "2001:db8::/32"), [("ban", ATTACKER6)])
        self.assertEqual(self.kinds(daemon, "--source", ATTACKER4), [("ban", ATTACKER4)])
        self.assertEqual(self.kinds(daemon, "--max", "1"), [("ban", ATTACKER6)])
        self.assertIn("older ones", daemon.cli("events", "--max", "1").stdout)
        self.assertEqual(len(self.kinds(daemon, "--since", "1h")), 2)
        self.assertEqual(self.kinds(daemon, "--since", "1ms"), [])
        for event in self.events(daemon):
            self.assertEqual(event["schema"], "farewell/event/v1")
        text = daemon.cli("events").stdout
        self.assertIn(f"{ATTACKER4}   until ", text)
        self.assertIn("10 distinct closed ports: tcp/1000 tcp/1001", text)

    def test_mistakes_are_told(self):
        daemon = self.start_daemon()
        for arguments, message in ((("--since", "1"), "since must be a duration"), (("--max", "0"), "max must be"),
                                   (("--source", "nobody"), "source must be an address or a prefix")):
            result = daemon.cli("events", *arguments, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertIn(message, result.stdout)

    def test_what_is_observed_is_no_ban(self):
        daemon = self.start_daemon("--observe")
        self.send(self.syns(10))
        self.wait_events(daemon, 1)
        self.assertTrue(self.events(daemon)[0]["observed"])
        self.assertIn("would ban", daemon.cli("events").stdout)
        daemon.stop()
        daemon = self.start_daemon()
        self.assertEqual(daemon.explain(ATTACKER4)["history"], {"earlier_bans": 0})

    def test_without_a_history(self):
        daemon = self.start_daemon("history.enabled=false")
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertEqual(self.history(daemon), {"enabled": False})
        self.assertIn("history   off", daemon.cli("status").stdout)
        self.assertNotIn("history", daemon.explain(ATTACKER4))
        result = daemon.cli("events", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("history.enabled", result.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "daemon/state/history.db")))


class Disk(HistoryTest):
    def state(self):
        path = os.path.join(self.directory, "daemon/state")
        os.makedirs(path, exist_ok=True)
        return path

    def on_small_disk(self, then):
        """A wrapper: the state directory is a disk of 1 MiB that only the daemon sees."""
        return ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=1m none "$0"; {then}; exec "$@"', self.state())

    def on_its_disk(self, daemon, *command):
        subprocess.run(("nsenter", "--mount", "--target", str(daemon.process.pid), *command), check=False, timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fill(self, daemon):
        self.on_its_disk(daemon, "dd", "if=/dev/zero", f"of={self.state()}/ballast", "bs=4k")

    def assert_bans_from_memory(self, daemon, why):
        self.send(self.syns(10, first=5000))
        self.wait_banned(ATTACKER4)
        wait_until(lambda: self.history(daemon)["in_memory_only"], "the status says so")
        wait_until(lambda: (self.kinds(daemon) or [None])[-1] == ("ban", ATTACKER4), "the ban in memory")
        self.assertIn(why, self.history(daemon)["trouble"])
        status = daemon.cli("status", check=False)
        self.assertIn("! in memory only", status.stdout)
        self.assertEqual(status.returncode, 5, "degraded")
        self.assertEqual(daemon.log().count(MEMORY_ONLY), 1, daemon.log())
        self.assert_shut_out()

    def test_full_at_start_and_free_again(self):
        daemon = self.start_daemon(wrapper=self.on_small_disk('dd if=/dev/zero of="$0/ballast" bs=4k 2>&-'))
        self.assert_bans_from_memory(daemon, "history.db")
        self.on_its_disk(daemon, "rm", f"{self.state()}/ballast")
        daemon.wait_log("the history is kept in", 60)
        wait_until(lambda: not self.history(daemon)["in_memory_only"], "it is written again")
        self.assertEqual(self.history(daemon)["events_in_memory_only"], 0)
        self.assertEqual(self.kinds(daemon), [("ban", ATTACKER4)])
        self.assertEqual(daemon.log().count(MEMORY_ONLY), 1)

    def test_full_later(self):
        daemon = self.start_daemon(wrapper=self.on_small_disk("true"))
        self.ban(daemon, ATTACKER6)
        self.assertFalse(self.history(daemon)["in_memory_only"])
        self.fill(daemon)
        # What the log of the file has room for already still goes there.
        for number in range(200):
            daemon.cli("bans", "add", f"198.19.{number}.1")
            if self.history(daemon)["in_memory_only"]:
                break
        self.assert_bans_from_memory(daemon, "full")
        self.assertEqual(self.events(daemon)[0]["source"], ATTACKER6, "what is on the disk can still be read")

    def test_read_only(self):
        daemon = self.start_daemon(wrapper=self.on_small_disk('mount -o remount,ro "$0"'))
        self.assert_bans_from_memory(daemon, "Read-only file system")

    def test_a_directory_that_the_user_cannot_write(self):
        state = self.state()
        with open(os.path.join(state, "farewelld.lock"), "w", encoding="utf-8"):
            pass
        os.chmod(os.path.join(state, "farewelld.lock"), 0o666)
        run = os.path.join(self.directory, "run")
        os.makedirs(run)
        os.chmod(run, 0o777)
        daemon = self.start_daemon(
            f"control.socket={run}/control.sock", ready=False,
            wrapper=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_admin",
                     "--ambient-caps=+net_admin"))
        daemon.socket = f"{run}/control.sock"
        daemon.wait_ready()
        self.assert_bans_from_memory(daemon, "Permission denied")

    def test_a_corrupt_file_is_set_aside(self):
        with open(os.path.join(self.state(), "history.db"), "wb") as file:
            file.write(b"no database" * 1000)
        os.chmod(os.path.join(self.state(), "history.db"), 0o666)
        daemon = self.start_daemon()
        daemon.wait_log("the history was corrupt")
        self.ban(daemon)
        self.assertEqual(self.kinds(daemon), [("ban", ATTACKER4)])
        self.assertTrue(os.path.exists(os.path.join(self.state(), "history.db.corrupt")))
        self.assertEqual(daemon.log().count("the history was corrupt"), 1)

    def test_the_file_belongs_to_the_user_that_the_daemon_became(self):
        daemon = self.start_daemon()
        self.ban(daemon)
        self.assertNotEqual(os.stat(os.path.join(self.state(), "history.db")).st_uid, 0)
        self.assertEqual(os.stat(os.path.join(self.state(), "history.db")).st_mode & 0o007, 0)
