# SPDX-License-Identifier: GPL-2.0-or-later
"""ufw and firewalld as Debian packages them, running beside farewell: neither disturbs the other."""

import hashlib
import os
import shutil
import subprocess
import unittest

import world
from trap_world import TrapWorld
from world import ATTACKER4, SERVER4, TABLE, wait_until

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>
"""


def hashes_under(directory):
    hashes = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                hashes[path] = hashlib.sha256(file.read()).hexdigest()
    return hashes


class Beside(TrapWorld):
    """What both are asked for: subclasses say how the firewall is set up and reloaded."""

    firewall = ""
    settings = ()

    def load_policy(self):
        pass  # the firewall's

    def farewell(self, *arguments):
        ran = self.server.run(world.FAREWELL, "--socket", f"{self.directory}/daemon/control.sock", *arguments,
                              check=False, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        self.assertEqual(ran.returncode, 0, ran.stdout)
        return ran.stdout

    def stands_beside(self, files, rules, reload):
        reload()  # ufw's first reload adds a rule of its own
        before, rules_before = hashes_under(files), rules()
        config = self.write_config("")
        self.farewell("ruleset", "install", "--hook", self.firewall, "--config", config)
        self.assertEqual(hashes_under(files), before)
        daemon = self.start_daemon(config=config)
        self.assertEqual(rules(), rules_before)
        self.assertTrue(self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 22, 5.0), "ssh is let in")
        self.assertFalse(self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 80, 0.5), "http is not")
        self.assertEqual(self.nmap("-sS"), [])
        self.wait_banned(ATTACKER4)
        for _ in range(2):
            reload()
            self.wait_banned(ATTACKER4)
            self.assertFalse(self.can_connect(self.attacker, SERVER4, 22, 0.5))
            self.assertTrue(self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 22, 5.0))
        daemon.stop()
        self.assertTrue(self.banned(), "a ban outlives the daemon")
        self.farewell("ruleset", "remove", "--hook", self.firewall, "--config", config)
        reload()
        self.assertEqual(hashes_under(files), before)
        self.assertEqual(rules(), rules_before)
        self.assertNotIn("trap", self.server.run("nft", "list", "table", "inet", TABLE).stdout)


@unittest.skipUnless(shutil.which("ufw"), "the package ufw is not installed")
class Ufw(Beside):
    firewall = "ufw"

    def setUp(self):
        super().setUp()
        self.files = os.path.join(self.directory, "ufw")
        shutil.copytree("/etc/ufw", os.path.join(self.files, "etc"))
        shutil.copy("/etc/default/ufw", os.path.join(self.files, "default"))
        os.mkdir(os.path.join(self.directory, "run"))
        self.ufw("--force", "enable")
        self.ufw("allow", "22/tcp")

    def ufw(self, *arguments):
        """With files of its own in the place of the host's."""
        mounts = (f"mount --make-rprivate / && mount --bind {self.files}/etc /etc/ufw && "
                  f"mount --bind {self.files}/default /etc/default/ufw && mount --bind {self.directory}/run /run && ")
        return self.server.run("unshare", "--mount", "sh", "-c", mounts + 'exec ufw "$@"', "ufw", *arguments)

    def rules(self):
        return [self.server.run(tool, "-S").stdout for tool in ("iptables-nft", "ip6tables-nft")]

    def test_each_leaves_the_other_alone(self):
        self.stands_beside(self.files, self.rules, lambda: self.ufw("reload"))

    def test_the_rule_to_write_oneself_works(self):
        config = self.write_config('[capture]\nsource = "nflog"\n')
        hook = self.farewell("ruleset", "print", "--hook", "ufw", "--config", config)
        rules = [line for line in hook.splitlines() if line.startswith("-A ")]
        for name, rule in zip(("after.rules", "after6.rules"), rules):
            path = os.path.join(self.files, "etc", name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("\nCOMMIT", f"\n{rule}\nCOMMIT"))
        self.ufw("reload")
        self.start_daemon(config=config)
        self.nmap("-sS", ports=("-p", "1000-1020"))
        self.wait_banned(ATTACKER4)
        self.assertTrue(self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 22, 5.0))


@unittest.skipUnless(shutil.which("firewalld") and shutil.which("dbus-daemon"),
                     "the packages firewalld and dbus are not installed")
class Firewalld(Beside):
    firewall = "firewalld"

    def setUp(self):
        super().setUp()
        self.files = os.path.join(self.directory, "firewalld")
        shutil.copytree("/etc/firewalld", self.files)
        bus = os.path.join(self.directory, "bus")
        with open(bus + ".conf", "w", encoding="utf-8") as file:
            file.write(_BUS.format(bus))
        self.environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={bus}")
        self.daemon_of_theirs("dbus-daemon", f"--config-file={bus}.conf", "--nofork")
        wait_until(lambda: os.path.exists(bus), "a bus of our own")
        self.daemon_of_theirs("firewalld", "--nofork", "--nopid", "--system-config", self.files, "--log-file",
                              os.path.join(self.directory, "firewalld.log"))
        self.wait_running()

    def wait_running(self):
        wait_until(lambda: self.server.run("firewall-cmd", "--state", check=False, env=self.environment).returncode == 0,
                   "firewalld is running", 60)

    def daemon_of_theirs(self, *command):
        process = self.server.start(*command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def firewall_cmd(self, *arguments):
        return self.server.run("firewall-cmd", *arguments, env=self.environment)

    def rules(self):
        return self.server.run("nft", "-s", "list", "table", "inet", "firewalld").stdout

    def reload(self):
        """firewall-cmd waits 25 s for an answer, which a slow machine's firewalld takes longer to give: it reloads all the same."""
        done = self.server.run("firewall-cmd", "--reload", check=False, env=self.environment)
        self.assertTrue(done.returncode == 0 or "Did not receive a reply" in done.stdout, done.stdout)
        self.wait_running()

    def test_each_leaves_the_other_alone(self):
        self.stands_beside(self.files, self.rules, self.reload)

    def test_the_rule_to_write_oneself_works(self):
        config = self.write_config('[capture]\nsource = "nflog"\n')
        hook = self.farewell("ruleset", "print", "--hook", "firewalld", "--config", config)
        for line in hook.splitlines():
            if line.startswith("firewall-cmd"):
                self.server.run("sh", "-c", line, env=self.environment)
        self.start_daemon(config=config)
        self.nmap("-sS", ports=("-p", "1000-1020"))
        self.wait_banned(ATTACKER4)
        self.assertTrue(self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 22, 5.0))
