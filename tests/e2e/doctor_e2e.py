# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell doctor` on hosts that are broken in one way each: the finding, the command that mends it, and that it does."""

import json
import os
import shlex
import subprocess

import world
from world import ATTACKER4, WorldTest, wait_until

# What /etc and /run of the machine have to say is none of the world's: each doctor sees a /etc/nftables.conf of the test's own, no systemd,
# and no other program that bans.
_ISOLATED = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             'mount --bind "$1" /etc/nftables.conf && mount -t tmpfs none /run && shift && exec "$@"', "sh"]
_BIND_QUEUE = """
import ctypes, os, socket, struct, sys
# NETLINK_NETFILTER; NFQNL_MSG_CONFIG with a command BIND (1), asked for an answer
queue = int(sys.argv[1])
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
command = struct.pack("=HH", 8, 1) + struct.pack(">BBH", 1, 0, 2)
body = struct.pack(">BBH", 0, 0, queue) + command
netlink.send(struct.pack("=IHHII", 16 + len(body), (3 << 8) | 2, 5, 1, 0) + body)
answer = netlink.recv(4096)
print(struct.unpack("=i", answer[16:20])[0], flush=True)
sys.stdin.read()
"""


class DoctorTest(WorldTest):
    """`doctor()` asks; `assert_found` and `assert_well` look at what it said."""

    settings = ('allow.networks=["198.18.1.0/24"]',)

    def setUp(self):
        super().setUp()
        self.nftables_conf = os.path.join(self.directory, "nftables.conf")
        self.write_nftables_conf("table inet firewall\ndelete table inet firewall\n")
        self.etc = os.path.join(self.directory, "etc")
        os.mkdir(self.etc)
        os.chmod(self.etc, 0o755)
        self.config = os.path.join(self.etc, "farewell.toml")
        self.write("")
        self.socket = os.path.join(self.directory, "daemon", "control.sock")

    def write(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def write_nftables_conf(self, text):
        with open(self.nftables_conf, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, *settings):
        self.daemon = self.start_daemon(*self.settings, *settings, config=self.config)
        return self.daemon

    def run_doctor(self, *arguments, environment=None, namespace=None, prefix=()):
        # No session of whoever runs the test: SSH_CONNECTION of an ancestor would count.
        inherited = {"ASAN_OPTIONS": "detect_leaks=0", "SSH_CONNECTION": "none", "PATH": os.environ["PATH"]}
        return (namespace or self.server).run(
            *_ISOLATED, self.nftables_conf, *prefix, world.FAREWELL, "--socket", self.socket, *arguments, "doctor",
            *([] if hasattr(self, "daemon") else ["--config", self.config]),
            check=False, env={**inherited, **(environment or {})})

    def doctor(self, **options):
        result = self.run_doctor("--json", **options)
        self.assertIn("farewell/doctor/v1", result.stdout, result.stdout)
        document = json.loads(result.stdout.splitlines()[-1])
        self.document, self.status = document, result.returncode
        return {finding["id"]: finding for finding in document["findings"]}

    def assert_found(self, identifier, verdict, mend, **options):
        findings = self.doctor(**options)
        self.assertIn(identifier, findings, findings.keys())
        finding = findings[identifier]
        self.assertEqual((finding["verdict"], finding["mend"]), (verdict, mend), finding["text"])
        self.assertEqual(self.status, {"failure": 1, "warning": 5}.get(verdict, self.status), self.document)
        return finding

    def assert_mended(self, identifier, **options):
        finding = self.doctor(**options).get(identifier)
        self.assertTrue(finding is None or finding["verdict"] == "well", finding)

    def mend(self, command, environment=None):
        """Runs what doctor said, against this world's daemon."""
        command = command.split(" && systemctl ")[0]  # the test restarts the daemon itself
        if command.startswith("farewell "):
            command = f"{world.FAREWELL} --socket {shlex.quote(self.socket)} {command.removeprefix('farewell ')}"
        return self.server.run("sh", "-c", command, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0",
                                                          **(environment or {})})


class Healthy(DoctorTest):
    def test_all_is_well(self):
        self.start()
        self.attacker.run("nmap", "-n", "-Pn", "-sS", "-p", "9", "--max-retries", "0", world.SERVER4)
        wait_until(lambda: self.daemon.status()["packets"]["received"] > 0, "the probe arrives")
        findings = self.doctor(environment={"SSH_CONNECTION": "198.18.1.1 5000 198.18.1.2 22"})
        known = {"clock", "other-banners"}  # of the machine, not of the world
        for identifier, finding in findings.items():
            if identifier not in known:
                self.assertEqual(finding["verdict"], "well", finding)
        self.assertEqual(self.status, 0, self.document)
        self.assertLessEqual({"daemon", "config", "mode", "rule", "rule-family", "rule-numbers", "rule-bypass",
                              "bans-in-force", "losses", "history", "state", "traffic", "ssh-peer", "allowlist",
                              "conntrack"}, findings.keys())
        screen = self.run_doctor()
        self.assertEqual(screen.returncode, 0, screen.stdout)
        self.assertIn("✔ IPv4 and IPv6 both have a rule\n", screen.stdout)
        self.assertTrue(screen.stdout.endswith("all is well\n"), screen.stdout)

    def test_without_root_nothing_is_called_well_that_was_not_looked_at(self):
        self.start()
        # A copy that others may run, in a folder that they may enter.
        os.chmod(self.directory, 0o755)
        copy = os.path.join(self.directory, "farewell")
        with open(world.FAREWELL, "rb") as source, open(copy, "wb") as target:
            target.write(source.read())
        os.chmod(copy, 0o755)
        os.chmod(os.path.dirname(self.socket), 0o755)
        result = self.server.run(
            "setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", copy, "--socket", self.socket, "--json",
            "doctor", "--config", self.config, check=False, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        document = json.loads(result.stdout.splitlines()[-1])
        verdicts = {finding["id"]: finding["verdict"] for finding in document["findings"]}
        self.assertEqual((verdicts["daemon"], verdicts["rule"]), ("skipped", "skipped"), result.stdout)
        self.assertFalse({"rule-bypass", "rule-family", "losses"} & verdicts.keys(), verdicts)
        self.assertEqual(result.returncode, 4, result.stdout)


class Daemon(DoctorTest):
    settings = ('allow.networks=["192.0.2.0/24"]',)  # the client may be banned

    def test_down(self):
        self.assert_found("daemon", "failure", "farewelld")
        self.start()
        self.assert_mended("daemon")

    def test_a_mistake_in_the_configuration(self):
        self.start()
        self.write("[detect]\nwindw = \"1h\"\n")
        finding = self.assert_found("config", "failure", "farewell check-config")
        self.assertIn(f"{self.config}:2:1: error: unknown key `detect.windw`", finding["text"])
        self.write("[detect]\nwindow = \"1h\"\n")
        self.assert_mended("config")

    def test_a_changed_configuration_is_not_in_force(self):
        self.start()
        self.assert_mended("config-loaded")
        self.write("[detect]\nthreshold = 12\n")
        finding = self.assert_found("config-loaded", "warning", "farewell reload")
        self.mend(finding["mend"])
        self.daemon.wait_log("configuration reloaded")
        self.assert_mended("config-loaded")

    def test_what_takes_a_restart(self):
        self.start()
        self.write("[nft]\ntable = \"other\"\n")
        finding = self.assert_found("config-restart", "warning", "systemctl restart farewell")
        self.assertIn("nft.table", finding["text"])
        self.daemon.stop()
        self.start()
        self.assert_mended("config-restart")

    def test_observing_is_a_note_with_the_way_out(self):
        self.write("mode = \"observe\"\n")
        self.start()
        command = (f"mkdir -p {self.etc}/conf.d && printf 'mode = \"enforce\"\\n' > {self.etc}/conf.d/60-mode.toml"
                   " && systemctl restart farewell")
        self.assert_found("mode", "note", command)
        self.assertEqual(self.status, 0, self.document)
        self.mend(command)
        self.daemon.stop()
        self.start()
        self.assert_mended("mode")

    def test_a_spent_budget(self):
        self.start("ban.per_minute=1")
        self.assert_mended("budget")
        for client in (self.attacker, self.client):
            address = world.SERVER4 if client is self.attacker else world.SERVER4_FOR_CLIENT
            client.run("nmap", "-n", "-Pn", "-sS", "-p", "1000-1015", "--max-retries", "0", address)
        wait_until(lambda: self.daemon.status()["bans"]["budget_spent"], "the budget is spent")
        self.assert_found("budget", "warning", "farewell events --since 10m")

    def test_metrics_that_cannot_be_written(self):
        directory = os.path.join(self.directory, "metrics")
        os.mkdir(directory)
        self.start(f"metrics.textfile={directory}/farewell.prom", "metrics.interval=1s")
        self.daemon.wait_log("Permission denied")
        self.assert_found("metrics-file", "warning", f"setfacl -m u:farewell:rwx {directory}")
        os.chmod(directory, 0o777)
        self.daemon.wait_log("is written again")
        self.assert_mended("metrics-file")


class Rules(DoctorTest):
    is_policy_of_iptables = True  # the rules that are broken here are of both families, and each by itself

    def iptables(self, *rule, tools=("iptables-nft", "ip6tables-nft")):
        for tool in tools:
            self.server.run(tool, "-w", *rule)

    def test_no_rule_at_all(self):
        self.start()
        self.iptables("-F", "INPUT")
        self.assert_found("rule", "failure", "farewell ruleset print --hook nftables")
        self.iptables("-A", "INPUT", "-j", "NFQUEUE", "--queue-balance", "0:3")
        self.assert_mended("rule")

    def test_the_trap_is_a_rule(self):
        self.iptables("-F", "INPUT")
        self.start("trap.enabled=true", "capture.source=nflog")
        findings = self.doctor()
        self.assertEqual(findings["rule"]["verdict"], "well", findings["rule"])
        self.assertIn("the trap", findings["rule"]["text"])
        self.assertEqual(findings["rule-family"]["verdict"], "well")
        self.assertNotIn("rule-bypass", findings)

    def test_one_family_is_missing(self):
        self.start()
        for tool, other in (("ip6tables-nft", "IPv6"), ("iptables-nft", "IPv4")):
            self.server.run(tool, "-w", "-D", "INPUT", "-j", "NFQUEUE", "--queue-balance", "0:3")
            finding = self.assert_found("rule-family", "failure",
                                        f"{tool} -A INPUT -j NFQUEUE --queue-balance 0:3")
            self.assertIn(f"no rule sends {other} packets", finding["text"])
            self.mend(finding["mend"])
            self.assert_mended("rule-family")

    def test_bypass_in_a_policy_drop_chain(self):
        self.start()
        for tool in ("iptables-nft", "ip6tables-nft"):
            self.server.run(tool, "-w", "-R", "INPUT", "5", "-j", "NFQUEUE", "--queue-balance", "0:3", "--queue-bypass")
            finding = self.assert_found("rule-bypass", "failure",
                                        f"{tool} -R INPUT 5 -j NFQUEUE --queue-balance 0:3")
            self.mend(finding["mend"])
            self.assert_mended("rule-bypass")
            self.assert_mended("rule-family")

    def test_a_queue_that_nobody_listens_to(self):
        self.iptables("-R", "INPUT", "5", "-j", "NFQUEUE", "--queue-balance", "4:5")
        self.start()
        command = (f"mkdir -p {self.etc}/conf.d && printf '[capture]\\nsource = \"nfqueue\"\\nqueues = \"4-5\"\\n' > "
                   f"{self.etc}/conf.d/60-capture-rule.toml && systemctl restart farewell")
        self.assert_found("rule-numbers", "failure", command)
        self.mend(command)
        self.daemon.stop()
        self.start()
        self.assert_mended("rule-numbers")

    def test_a_rule_that_gets_nothing(self):
        self.start()
        self.iptables("-I", "INPUT", "5", "-j", "ACCEPT")
        self.assert_found("rule-reach", "failure", "nft -a list chain ip filter INPUT")
        self.iptables("-D", "INPUT", "5")
        self.assert_mended("rule-reach")

    def test_a_rule_before_connections_are_accepted(self):
        self.start()
        self.iptables("-D", "INPUT", "2")
        for tool in ("iptables-nft", "ip6tables-nft"):
            finding = self.assert_found(
                "rule-order", "warning",
                f"{tool} -I INPUT 1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
            self.mend(finding["mend"])
        self.assert_mended("rule-order")

    def test_accepting_verdicts_in_a_policy_drop_chain(self):
        self.start("capture.verdict=accept")
        self.assertEqual(self.doctor()["rule-verdict"]["verdict"], "failure")

    def test_a_log_group_of_nftables_own(self):
        self.iptables("-F", "INPUT")
        self.iptables("-P", "INPUT", "ACCEPT")
        self.server.run("nft", "add table inet firewall; add chain inet firewall input { type filter hook input priority 0; "
                               "policy drop; }; add rule inet firewall input ct state established,related accept; "
                               "add rule inet firewall input log group 7 drop")
        self.start("capture.source=nflog")
        findings = self.doctor()
        for identifier in ("rule", "rule-family", "rule-numbers"):
            self.assertEqual(findings[identifier]["verdict"], "well", findings[identifier])

    def test_a_queue_of_another_program(self):
        holder = self.server.start("python3", "-c", _BIND_QUEUE, "2", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        self.addCleanup(holder.stdin.close)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        self.assertEqual(holder.stdout.readline(), "0\n", "bound")
        finding = self.assert_found("queue-owner", "failure", f"kill {holder.pid}")
        self.assertIn(f"queue 2 belongs to python3 (process {holder.pid})", finding["text"])
        self.mend(finding["mend"])
        holder.wait()
        self.assert_mended("queue-owner")

    def test_a_gateway(self):
        self.start()
        self.server.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self.assert_found("forward", "note", "")


class Host(DoctorTest):
    def test_a_peer_that_nothing_protects(self):
        self.start()
        session = {"SSH_CONNECTION": f"{ATTACKER4} 5000 198.18.0.2 22"}
        finding = self.assert_found("ssh-peer", "warning", "farewell allow me", environment=session)
        self.assertIn(ATTACKER4, finding["text"])
        self.mend(finding["mend"], environment=session)
        self.assert_mended("ssh-peer", environment=session)

    def test_nobody_is_on_the_allowlist(self):
        self.daemon = self.start_daemon(config=self.config)
        self.assert_found("allowlist", "warning", "farewell allow add ADDRESS")
        self.mend("farewell allow add 198.18.1.1")
        self.assert_mended("allowlist")

    def test_a_file_that_flushes_everything(self):
        self.start()
        self.assert_mended("flush-ruleset")
        self.write_nftables_conf("#!/usr/sbin/nft -f\n\nflush ruleset\n")
        self.assert_found("flush-ruleset", "note", "")
        self.write_nftables_conf("# no flush ruleset here\n")
        self.assert_mended("flush-ruleset")
