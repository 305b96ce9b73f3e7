# SPDX-License-Identifier: GPL-2.0-or-later
"""The duel in short: scanners are banned, clients are not, and nobody is asked but the wire. `make duel` is the long one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import world

DUEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/duel")
sys.path.insert(0, DUEL)

import page  # noqa: E402
from enclosure import Enclosure  # noqa: E402

RUN = os.path.join(DUEL, "run.py")
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
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=160 * world.PATIENCE)
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
        result, (row,) = self.duel("--only", "hping3 --scan", "--defenders", "none", "--runs", "1")
        self.assertEqual((row["banned"], row["dropped"], row["during"]), (0, 0, False), result.stdout)
        self.assertGreater(row["revealed"], 4, result.stdout)
        self.assertGreater(row["closed"], 500, result.stdout)


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Rivals(unittest.TestCase):
    """Other people's programs defend the server, and nothing of them is left."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="farewell-duel-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.temporary = os.path.join(self.directory, "temporary")
        os.mkdir(self.temporary)
        self.kept = os.path.join(self.directory, "results.jsonl")

    def start_duel(self):
        """A scan of five seconds against fail2ban. What is started by it can be told by its environment, what it makes by its directory."""
        missing = [program for program in (*PROGRAMS, "fail2ban-server", "ulogd") if shutil.which(program) is None]
        if missing:
            self.skipTest(f"missing: {' '.join(missing)}")
        duel = subprocess.Popen([RUN, "--only", "rarest ports first", "--defenders", "fail2ban", "--runs", "1", "--keep", self.kept], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, TMPDIR=self.temporary))
        self.addCleanup(duel.stdout.close)
        self.addCleanup(duel.wait)
        self.addCleanup(duel.kill)
        return duel

    def running(self):
        """The programs that it started, by pid."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    is_ours = f"TMPDIR={self.temporary}".encode() in file.read().split(b"\0")
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    name = file.read().strip()
            except OSError:
                continue  # it has ended meanwhile
            if is_ours:
                found[int(pid)] = name
        return found

    def assert_nothing_left(self, began):
        world.wait_until(lambda: not self.running(), "its programs have ended")  # a namespace's holder dies of its parent's death, a moment later
        self.assertEqual(os.listdir(self.temporary), [])
        for directory in ("/etc/fail2ban", "/var/lib/fail2ban", "/var/log", "/run/fail2ban"):
            for place, _, names in os.walk(directory):
                for path in (os.path.join(place, name) for name in names if "fail2ban" in place + name):
                    self.assertLess(os.lstat(path).st_ctime, began, f"{path} was changed")

    @staticmethod
    def now():
        """As the file system has it, whose clock is a tick behind."""
        with tempfile.NamedTemporaryFile() as file:
            return os.stat(file.name).st_ctime

    def test_one_bans_and_is_gone_entirely(self):
        began = self.now()
        duel = self.start_duel()
        output, _ = duel.communicate(timeout=120 * world.PATIENCE)
        self.assertEqual(duel.returncode, 0, output)
        with open(self.kept, encoding="utf-8") as file:
            row = json.loads(file.read())
        self.assertEqual((row["defender"], row["banned"], row["during"]), ("fail2ban", 1, True), output)
        self.assertTrue(row["version"], output)
        self.assert_nothing_left(began)

    def test_a_signal_leaves_nothing_of_it(self):
        began = self.now()
        duel = self.start_duel()
        world.wait_until(lambda: "fail2ban-server" in self.running().values(), "fail2ban runs", 60)
        duel.terminate()
        output, _ = duel.communicate(timeout=60 * world.PATIENCE)
        self.assertEqual(duel.returncode, 143, output)
        self.assert_nothing_left(began)

    def test_what_a_program_in_an_enclosure_writes_is_its_own(self):
        namespace = world.Namespace()
        self.addCleanup(namespace.close)
        enclosure = Enclosure(namespace, os.path.join(self.directory, "enclosure"))
        self.addCleanup(enclosure.close)
        name = os.path.basename(self.directory)
        for directory in ("/etc", "/run", "/tmp", "/var/log"):
            enclosure.run("touch", f"{directory}/{name}-left")
            self.assertTrue(os.path.exists(enclosure.path(f"{directory}/{name}-left")), directory)
            self.assertFalse(os.path.exists(f"{directory}/{name}-left"), directory)
        for directory in ("/", "/usr", "/var/lib"):
            with self.assertRaisesRegex(AssertionError, "Read-only file system"):
                enclosure.run("touch", f"{directory}/{name}-left")

    def test_what_forks_away_ends_with_its_enclosure(self):
        namespace = world.Namespace()
        self.addCleanup(namespace.close)
        enclosure = Enclosure(namespace, os.path.join(self.directory, "enclosure"))
        self.addCleanup(enclosure.close)
        enclosure.start("sh", "-c", "setsid sh -c 'echo begun; exec sleep 3600' & exec sleep 3600")
        world.wait_until(lambda: "begun" in enclosure.output("sh"), "the daemon has begun")
        log = enclosure.path("/var/log/sh.out")  # both have it open
        self.assertTrue(self.have_open(log))
        enclosure.close()
        self.assertEqual(self.have_open(log), [])

    @staticmethod
    def have_open(path):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.path.samefile(f"/proc/{pid}/fd/1", path):
                    found.append(int(pid))
            except OSError:
                pass  # ended meanwhile, or has no output
        return found


class Page(unittest.TestCase):
    @staticmethod
    def row(defender, **more):
        return {"attack": "nmap -sS", "defender": defender, "realtime": False, "load": 1.0, "date": "2000-01-01", "kernel": "6.1", "processors": 2,
                "commit": "0", "revealed": 0, "of": 15, "closed": 7, "passed": 7, "dropped": 9, "seconds": 0.2, "at_least": 0.1, "timed": True,
                "banned": 1, "to_ban": 1, "during": True, "wrongly": [], "standing": None, "bystander": True, **more}

    def test_rivals_have_tables_of_their_own_and_share_the_sums(self):
        rows = [self.row("trap"), self.row("psad", version="2.4", dropped=0, during=False), self.row("fail2ban", version="1.0")]
        text = page.results(rows)
        self.assertIn("The rivals: psad 2.4, fail2ban 1.0.", text)
        self.assertIn("### Scans\n\n| | runs | trap |\n", text)
        self.assertIn("### Rivals: Scans\n\n| | runs | psad | fail2ban |\n", text)
        self.assertIn("| psad | 1 of 1 | 1 | 0 | 0 | 0 |\n| fail2ban | 1 of 1 | 0 | 0 | 0 | 0 |", text)

    def test_nothing_fought_is_told(self):
        self.assertEqual(page.results([]), "No fights.")
