#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of the Debian package on a machine that systemd runs, step by step as its operator lives it. For a throw-away
machine only: tests/vm/run --systemd tests/vm/package_story.py"""

import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

import operator_world
from operator_world import ATTACKER4, CLIENT4, SERVER4, SERVER4_FOR_CLIENT, OperatorTest
from world import wait_until

PACKAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/package")
TABLE = "bans_of_the_story"  # not the usual name: a purge must find it
CONFIG = "/etc/farewell/farewell.toml"
EXPOSURE_MAX = 1.2
FIREWALL = """
table inet firewall {
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport { 22, 80 } accept
        queue num 0-3
    }
}
"""
# Prints a line for each connection that came about, until it is killed.
KNOCK = """
import socket, sys
while True:
    try:
        socket.create_connection((sys.argv[1], 80), timeout=0.3).close()
        print("let in", flush=True)
    except OSError:
        pass
"""
# What the package installs, and not what the host may have under /usr/local.
ENVIRONMENT = dict(os.environ, DEBIAN_FRONTEND="noninteractive", PATH="/usr/sbin:/usr/bin:/sbin:/bin")


def run(*command, check=True):
    return operator_world.run(*command, check=check, env=ENVIRONMENT)


def shown(name):
    return run("systemctl", "show", "--value", "--property", name, "farewell.service").stdout.strip()


def status():
    return json.loads(run("farewell", "--json", "status").stdout)


def ban_of(address):
    """The kernel's own word on it."""
    for kind in ("soft4", "banned4"):
        listing = run("nft", "-j", "list", "set", "inet", TABLE, kind, check=False)
        if listing.returncode == 0:
            for entry in json.loads(listing.stdout)["nftables"]:
                for element in entry.get("set", {}).get("elem", []):
                    if element["elem"]["val"] == address:
                        return element["elem"]
    return None


class Story(OperatorTest):
    def setUp(self):
        super().setUp()
        if os.path.exists("/var/lib/man-db/auto-update"):
            os.remove("/var/lib/man-db/auto-update")  # or dpkg has it read every manual page of the machine, which takes minutes
        self.load(FIREWALL)

    def wait_journal(self, text):
        wait_until(lambda: text in run("journalctl", "--unit", "farewell", "--no-pager").stdout, f"`{text}` in the journal")

    def test_the_life_of_the_package(self):
        packages = glob.glob(f"{PACKAGES}/farewell_*.deb")
        self.assertEqual(len(packages), 1, f"{PACKAGES} should hold one farewell_*.deb: make package")
        self.package = packages[0]
        for chapter in (self.install, self.reload, self.watchdog, self.exposure, self.enforce, self.sessions, self.upgrade, self.remove, self.purge):
            self.step(chapter.__name__)
            chapter()
        self.step("the end")

    def install(self):
        said = run("dpkg", "--install", self.package).stdout
        self.assertLessEqual(said[said.index("farewell observes"):said.index("Processing triggers")].count("\n"), 3, said)
        self.assertNotIn("ailed", said)
        self.assertNotIn("Could not", said)
        wait_until(lambda: shown("ActiveState") == "active", "farewell.service is active", 60)
        self.assertEqual(shown("UnitFileState"), "enabled")
        self.assertEqual(run("ps", "-o", "user=", "-p", shown("MainPID")).stdout.strip(), "farewell")
        self.assertEqual(status()["mode"], "observe")
        self.scan()
        wait_until(lambda: ATTACKER4 in run("farewell", "events").stdout, "the scan is told among the events")
        self.wait_journal(f"{ATTACKER4} would have been")
        self.assertIsNone(ban_of(ATTACKER4))
        self.assertTrue(self.is_let_in(self.attacker, SERVER4), "observing bans nobody")

    def reload(self):
        process = shown("MainPID")
        run("systemctl", "reload", "farewell")
        mistake = "/etc/farewell/conf.d/99-mistake.toml"
        with open(mistake, "w", encoding="utf-8") as file:
            file.write("[detect]\nwindw = 3\n")
        self.assertNotEqual(run("systemctl", "reload", "farewell", check=False).returncode, 0)
        self.wait_journal("did you mean")
        os.remove(mistake)
        run("systemctl", "reload", "farewell")
        self.assertEqual((shown("MainPID"), shown("ActiveState")), (process, "active"))

    def watchdog(self):
        self.assertNotIn(shown("WatchdogUSec"), ("", "0", "infinity"))
        fed = shown("WatchdogTimestampMonotonic")
        wait_until(lambda: shown("WatchdogTimestampMonotonic") != fed, "the watchdog is fed again", 60)

    def exposure(self):
        said = run("systemd-analyze", "--no-pager", "security", "farewell.service").stdout
        exposure = float(re.search(r"Overall exposure level for farewell.service: (\d+\.\d+)", said).group(1))
        print(f"           systemd-analyze security: {exposure}", flush=True)
        self.assertLessEqual(exposure, EXPOSURE_MAX, said)

    def enforce(self):
        with open(CONFIG, encoding="utf-8") as file:
            text = file.read()
        with open(CONFIG, "w", encoding="utf-8") as file:
            file.write(text.replace('mode = "observe"', 'mode = "enforce"') + f'[nft]\ntable = "{TABLE}"\n')
        run("systemctl", "restart", "farewell")
        self.assertEqual(status()["mode"], "enforce")
        self.scan()
        wait_until(lambda: ban_of(ATTACKER4), "the scanner is banned")
        self.assertFalse(self.is_let_in(self.attacker, SERVER4))
        self.assertTrue(self.is_let_in(self.client, SERVER4_FOR_CLIENT))
        self.assertIn(ATTACKER4, run("farewell", "bans", "list").stdout)

    def sessions(self):
        """Whoever is logged in is not shut out, whatever comes from where he is."""
        if not os.access("/usr/sbin/sshd", os.X_OK):
            print("           left out: openssh-server is not installed", flush=True)
            return
        for unit in ("dbus", "systemd-logind"):
            run("systemctl", "start", unit)
        os.makedirs("/run/sshd", exist_ok=True)
        directory = tempfile.mkdtemp()
        for name in ("host", "key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{directory}/{name}")
        sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-h", f"{directory}/host", "-o", f"AuthorizedKeysFile={directory}/key.pub",
                                 "-o", "StrictModes=no", "-o", "PidFile=none", "-o", "ListenAddress=0.0.0.0"])
        self.addCleanup(sshd.wait)
        self.addCleanup(sshd.kill)
        wait_until(lambda: run("ss", "-Hltn", "sport = 22").stdout, "sshd listens", 60)
        login = self.client.start("ssh", "-tt", "-i", f"{directory}/key", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                                  f"root@{SERVER4_FOR_CLIENT}", "sleep 600", stdout=subprocess.DEVNULL)
        self.addCleanup(login.wait)
        self.addCleanup(login.kill)
        wait_until(lambda: CLIENT4 in status()["host"]["logged_in_peers"], "the session is known", 60)
        self.assertIn(CLIENT4, run("loginctl", "show-session", "--all", "--property", "RemoteHost",
                                   *run("loginctl", "list-sessions", "--no-legend").stdout.split()[:1]).stdout)
        self.client.run("nmap", "-sS", "-n", "-Pn", "--max-retries", "0", "-p", "3000-3019", SERVER4_FOR_CLIENT, timeout=300)
        wait_until(lambda: status()["packets"]["rules"]["trusted"] >= 20, "its probes are looked at")
        self.assertIsNone(ban_of(CLIENT4))
        self.assertIn("logged-in peer", run("farewell", "explain", CLIENT4).stdout)
        self.assertTrue(self.is_let_in(self.client, SERVER4_FOR_CLIENT))
        login.terminate()

    def upgrade(self):
        """The same package as a later version; the scanner knocks all the time."""
        before, process = ban_of(ATTACKER4), shown("MainPID")
        with tempfile.TemporaryDirectory() as directory:
            later = f"{directory}/later.deb"
            run("dpkg-deb", "--raw-extract", self.package, f"{directory}/later")
            control = f"{directory}/later/DEBIAN/control"
            with open(control, encoding="utf-8") as file:
                text = re.sub(r"^Version: .*", r"\g<0>+later", file.read(), flags=re.MULTILINE)
            with open(control, "w", encoding="utf-8") as file:
                file.write(text)
            run("dpkg-deb", "-Znone", "--build", f"{directory}/later", later)
            knocking = self.attacker.start("python3", "-c", KNOCK, SERVER4, stdout=subprocess.PIPE, text=True)
            self.addCleanup(knocking.stdout.close)
            self.addCleanup(knocking.wait)
            self.addCleanup(knocking.kill)
            said = run("dpkg", "--install", later).stdout
        self.assertNotIn("farewell observes", said, "advice is for the first time")
        wait_until(lambda: shown("ActiveState") == "active" and shown("MainPID") not in ("0", process), "the new one runs", 60)
        after = ban_of(ATTACKER4)
        self.assertIsNotNone(after, "the ban is kept")
        self.assertLessEqual(after["expires"], before["expires"], "with the time it had left")
        self.assertEqual(status()["mode"], "enforce", "what the operator wrote is kept")
        self.assertIn(ATTACKER4, run("farewell", "bans", "list").stdout)
        knocking.kill()
        self.assertEqual(knocking.stdout.read(), "", "the scanner got in while the package was upgraded")

    def remove(self):
        run("farewell", "ruleset", "install")
        run("dpkg", "--remove", "farewell")
        self.assertNotEqual(shown("ActiveState"), "active")
        self.assertIsNotNone(ban_of(ATTACKER4), "bans end by themselves")
        self.assertTrue(os.path.exists(CONFIG))

    def purge(self):
        run("dpkg", "--purge", "farewell")
        self.assertNotIn(TABLE, run("nft", "list", "tables").stdout)
        left = [path for pattern in ("/etc/farewell*", "/etc/systemd/system/*farewell*", "/etc/systemd/system/*/*farewell*",
                                     "/lib/systemd/system/*farewell*", "/run/farewell*", "/usr/*bin/farewell*", "/usr/share/farewell*", "/usr/share/*/farewell*",
                                     "/usr/share/*/*/*farewell*", "/usr/lib/*/*farewell*", "/var/lib/farewell*",
                                     "/var/lib/systemd/deb-systemd-helper-*/*farewell*", "/var/lib/dpkg/info/farewell.*")
                for path in glob.glob(pattern)]
        self.assertEqual(left, [])
        self.assertTrue(self.is_let_in(self.attacker, SERVER4))


if __name__ == "__main__":
    unittest.main()
