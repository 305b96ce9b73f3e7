# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell watch` on a terminal (tmux's), with a real nmap to look at; what becomes of the terminal; JSON Lines elsewhere."""

import json
import os
import shutil
import signal
import subprocess
import unittest

import world
from world import ATTACKER4, SERVER4, WorldTest, wait_until

BRAILLE = range(0x2801, 0x2900)


class Tmux:
    """A terminal of a given size with a shell in it, in a tmux of its own."""

    def __init__(self, namespace, directory, width, height):
        self._namespace = namespace
        self._socket = os.path.join(directory, "tmux.sock")
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        environment.update(LANG="C.UTF-8", LC_ALL="C.UTF-8", TERM="xterm-256color", PS1="$ ", ENV="", SHELL="/bin/sh",
                           ASAN_OPTIONS="detect_leaks=0")
        self._environment = environment
        # In the foreground, so that it ends with the test whatever happens.
        self.process = namespace.start("tmux", "-u", "-S", self._socket, "-f", "/dev/null", "-D", env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self._socket), "tmux listens")
        self.run("set-option", "-g", "default-terminal", "tmux-256color", ";",
                 "new-session", "-d", "-x", str(width), "-y", str(height), "/bin/sh", "-i")

    def run(self, *arguments):
        return self._namespace.run("tmux", "-u", "-S", self._socket, *arguments, env=self._environment).stdout

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def type(self, line):
        self.run("send-keys", "-l", line)
        self.keys("Enter")

    def screen(self):
        return self.run("capture-pane", "-p")

    def wait(self, text, limit=20.0):
        """The screen, once `text` is on it."""
        last = [""]

        def there():
            last[0] = self.screen()
            return last[0] if text in last[0] else None
        try:
            return wait_until(there, text, limit)
        except AssertionError:
            raise AssertionError(f"`{text}` does not come onto the screen:\n{last[0]}") from None

    def format(self, what):
        return self.run("display-message", "-p", what).strip()

    def foreground(self):
        """The pid of what the shell runs."""
        pid = self.format("#{pane_pid}")
        listing = self._namespace.run("ps", "-o", "pid=", "--ppid", pid, check=False).stdout.split()
        return int(listing[0]) if listing else None

    def close(self):
        self.process.kill()
        self.process.wait()


@unittest.skipUnless(shutil.which("tmux"), "needs tmux")
class WatchTest(WorldTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start_daemon()

    def terminal(self, width=80, height=24):
        tmux = Tmux(self.server, self.directory, width, height)
        self.addCleanup(tmux.close)
        return tmux

    def watch(self, tmux, prefix=""):
        """Starts it in the terminal; its exit status will be written there."""
        tmux.type(f"{prefix} {world.FAREWELL} --socket {self.daemon.socket} watch; echo ended with $?".strip())
        return tmux.wait("nearest to a ban")

    def settings(self, tmux, name):
        path = os.path.join(self.directory, name)
        tmux.type(f"stty -a > {path}.new; mv {path}.new {path}")
        wait_until(lambda: os.path.exists(path), "stty has told")
        with open(path, encoding="utf-8") as file:
            return file.read()

    def scan(self, ports):
        self.attacker.run("nmap", "-Pn", "-n", "-sS", "--max-retries", "0", "-p", ports, SERVER4)

    def assert_as_before(self, tmux, before, status):
        tmux.wait(f"ended with {status}")
        self.assertEqual(tmux.format("#{alternate_on}"), "0", "the other screen has been left")
        self.assertEqual(tmux.format("#{cursor_flag}"), "1", "there is a cursor")
        self.assertEqual(self.settings(tmux, "after"), before)


class Screen(WatchTest):
    def test_a_scan_is_seen_becomes_a_ban_and_is_unbanned_by_a_key(self):
        tmux = self.terminal()
        screen = self.watch(tmux)
        self.assertIn("enforcing", screen)
        self.assertIn("nobody has tried a closed port", screen)
        self.scan("1001-1005")
        screen = tmux.wait(f"▸{ATTACKER4}")
        tmux.wait("5/10")
        self.assertTrue(any(ord(character) in BRAILLE for character in screen), screen)
        self.assertIn("nmap", screen)

        tmux.keys("e")
        tmux.wait("not banned: 5 of 10")
        tmux.keys("q")
        tmux.wait("nearest to a ban")

        self.scan("2001-2010")
        self.wait_banned(ATTACKER4)
        tmux.wait("banned: 1")
        screen = tmux.wait(f"{ATTACKER4}  ")
        self.assertIn("full 11h59m", screen)
        self.assertIn("▲", screen, "the moment of the ban is marked")

        tmux.keys("Tab", "u")
        tmux.wait(f"let {ATTACKER4} in again?  y/n")
        tmux.keys("n")
        tmux.wait("q quit")
        self.assertIn(ATTACKER4, self.banned(4))
        tmux.keys("u", "y")
        tmux.wait(f"{ATTACKER4} is let in again")
        self.assertEqual(self.banned(4), {})
        tmux.wait("banned: 0")

    def test_a_key_bans_and_another_allows(self):
        tmux = self.terminal()
        self.watch(tmux)
        self.scan("1001-1003")
        tmux.wait(f"▸{ATTACKER4}")
        tmux.keys("b", "y")
        tmux.wait(f"{ATTACKER4} is banned")
        self.assertIn(ATTACKER4, self.banned(4))
        tmux.wait("banned: 1")
        tmux.keys("Tab", "a", "y")
        tmux.wait(f"{ATTACKER4} is on the allowlist")
        tmux.wait("banned: 0")
        self.assertEqual(self.banned(4), {})

    def test_sizes_and_a_resize_while_it_runs(self):
        tmux = self.terminal(200, 60)
        self.watch(tmux)
        self.wait_fits(tmux, 200, 60)
        for width, height in ((80, 24), (132, 43), (60, 16)):
            tmux.run("resize-window", "-x", str(width), "-y", str(height))
            self.wait_fits(tmux, width, height)
        tmux.run("resize-window", "-x", "40", "-y", "10")
        tmux.wait("farewell watch needs 60x16")
        tmux.run("resize-window", "-x", "80", "-y", "24")
        self.wait_fits(tmux, 80, 24)

    def wait_fits(self, tmux, width, height):
        """Every part is on the screen, and where it belongs."""
        def fits():
            lines = tmux.screen().rstrip("\n").split("\n")
            return (len(lines) == height and max(len(line) for line in lines) <= width and
                    lines[0].startswith("farewell ") and "packets/s" in lines[1] and lines[-1].startswith("j k Tab") and
                    any("nearest to a ban" in line and "banned: 0" in line for line in lines) and
                    sum("│" in line for line in lines) == (height - 6) * 55 // 100)
        wait_until(fits, f"drawn for {width}x{height}:\n{tmux.screen()}")

    def test_colours_only_where_they_are_wanted(self):
        self.daemon.cli("bans", "add", ATTACKER4)
        tmux = self.terminal()
        for prefix, is_coloured in (("NO_COLOR=1", False), ("", True)):
            self.watch(tmux, prefix)
            tmux.wait("banned: 1")
            self.assertEqual("\033[38;5;" in tmux.run("capture-pane", "-p", "-e"), is_coloured, prefix)
            tmux.keys("q")
            tmux.wait("ended with 0")
            tmux.type("clear")


class Ends(WatchTest):
    def run_and_end(self, end, status):
        tmux = self.terminal()
        before = self.settings(tmux, "before")
        self.watch(tmux)
        self.assertEqual(tmux.format("#{alternate_on}"), "1")
        end(tmux)
        self.assert_as_before(tmux, before, status)
        return tmux

    def test_by_q(self):
        self.run_and_end(lambda tmux: tmux.keys("q"), 0)

    def test_by_ctrl_c(self):
        self.run_and_end(lambda tmux: tmux.keys("C-c"), 0)

    def test_by_signals(self):
        tmux = self.terminal()
        before = self.settings(tmux, "before")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            self.watch(tmux)
            os.kill(tmux.foreground(), number)
            tmux.wait("ended with 0")
            tmux.type("clear")
            wait_until(lambda: "ended with" not in tmux.screen(), "cleared")
        tmux.type("echo ended with 0")
        self.assert_as_before(tmux, before, 0)

    def test_when_the_daemon_is_killed(self):
        tmux = self.run_and_end(lambda tmux: self.daemon.stop(signal.SIGKILL), 69)
        self.assertIn("has closed the connection: it has stopped", tmux.screen().replace("\n", ""), "wrapped")

    def test_when_the_daemon_stops(self):
        tmux = self.run_and_end(lambda tmux: self.daemon.stop(), 69)
        self.assertIn("has closed the connection: it has stopped", tmux.screen().replace("\n", ""), "wrapped")

    def test_ctrl_z_and_fg(self):
        tmux = self.terminal()
        before = self.settings(tmux, "before")
        tmux.type("set -m")
        self.watch(tmux)
        tmux.keys("C-z")
        tmux.wait("Stopped")
        self.assertEqual(tmux.format("#{alternate_on}"), "0")
        self.assertEqual(self.settings(tmux, "stopped"), before)
        tmux.type("fg")
        tmux.wait("nearest to a ban")
        self.assertEqual(tmux.format("#{alternate_on}"), "1")
        os.kill(tmux.foreground(), signal.SIGTSTP)
        wait_until(lambda: tmux.format("#{alternate_on}") == "0", "stopped by the signal")
        tmux.type("fg")
        tmux.wait("nearest to a ban")
        tmux.keys("q")
        wait_until(lambda: tmux.format("#{alternate_on}") == "0", "left")
        self.assertEqual(self.settings(tmux, "after"), before)

    def test_the_terminal_goes(self):
        tmux = self.terminal()
        self.watch(tmux)
        pid = tmux.foreground()
        tmux.close()
        wait_until(lambda: self.has_ended(pid), "it ends with its terminal")

    def has_ended(self, pid):
        """Also if nobody has asked for its exit status."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True


class Lines(WatchTest):
    def test_json_lines_where_there_is_no_terminal(self):
        path = os.path.join(self.directory, "pictures")
        with open(path, "w", encoding="utf-8") as output:
            process = self.server.start(world.FAREWELL, "--socket", self.daemon.socket, "watch", stdout=output,
                                        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def pictures():
            with open(path, encoding="utf-8") as file:
                return [json.loads(line) for line in file.read().splitlines()]
        wait_until(lambda: len(pictures()) >= 2, "two pictures")
        self.scan("1001-1012")
        self.wait_banned(ATTACKER4)
        wait_until(lambda: any(picture["changes"]["shown"] for picture in pictures()), "the ban in a picture")
        shown = [probe for picture in pictures() for probe in picture["probes"]["shown"]]
        self.assertEqual({probe["source"] for probe in shown}, {ATTACKER4})
        self.assertGreaterEqual(len({probe["port"] for probe in shown}), 10)
        last = pictures()[-1]
        self.assertEqual(last["schema"], "farewell/watch/v1")
        self.assertEqual(last["bans"]["shown"][0]["source"], ATTACKER4)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 0)

    def test_a_dumb_terminal_is_refused(self):
        tmux = self.terminal()
        tmux.type(f"TERM=dumb {world.FAREWELL} --socket {self.daemon.socket} watch; echo ended with $?")
        tmux.wait("ended with 2")
        self.assertIn("try farewell watch --json", tmux.screen())


class Top(WatchTest):
    def test_the_sources_nearest_to_a_ban(self):
        self.assertIn("nobody has tried a closed port", self.daemon.cli("sources", "top").stdout)
        self.scan("1001-1004")
        wait_until(lambda: self.daemon.json("sources", "top")["sources"], "a source")
        document = self.daemon.json("sources", "top", "--max", "1")
        self.assertEqual(document["schema"], "farewell/sources/v1")
        source = document["sources"][0]
        self.assertEqual((source["source"], source["points"], source["threshold"]), (ATTACKER4, 4, 10))
        self.assertEqual(sorted(source["ports"]), [f"tcp/{port}" for port in range(1001, 1005)])
        self.assertEqual(source["tools"], ["nmap"])
        self.assertTrue(source["could_be_forged"])
        text = self.daemon.cli("sources", "top").stdout
        for part in (ATTACKER4, "4/10", "nmap", "tcp/1001"):
            self.assertIn(part, text)
        self.assertEqual(self.daemon.cli("sources", "top", "--max", "0", check=False).returncode, 2)
