# SPDX-License-Identifier: GPL-2.0-or-later
"""A world for one test: an attacker, a server and an ordinary client, each in a network namespace of its own.

The namespaces have no name: each lives as long as the process that holds it, and the kernel kills that process when
the test ends, however it ends. No route leads out of them; all addresses are of 198.18.0.0/15 and 2001:db8::/32.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

_BUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/debug/bin")
FAREWELLD = os.environ.get("FAREWELLD", os.path.join(_BUILT, "farewelld"))
FAREWELL = os.environ.get("FAREWELL", os.path.join(_BUILT, "farewell"))

# Limits are meant for an idle machine of today; they are so many times longer in one that is emulated.
PATIENCE = float(os.environ.get("FAREWELL_PATIENCE", "1"))

ATTACKER4, SERVER4 = "198.18.0.1", "198.18.0.2"
ATTACKER6, SERVER6 = "2001:db8:0:1::1", "2001:db8:0:1::2"
CLIENT4, SERVER4_FOR_CLIENT = "198.18.1.1", "198.18.1.2"
CLIENT6, SERVER6_FOR_CLIENT = "2001:db8:0:2::1", "2001:db8:0:2::2"
TABLE = "port_scanners_auto_ban"

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _CLONE_NEWNET = 1, 0x40000000


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def lasting(seconds):
    """A duration of the configuration that a test has to be done within: longer where everything takes longer."""
    return f"{seconds * PATIENCE:g}s"


def wait_until(condition, what, limit=20.0):
    """Polls until condition() is true and returns its value; fails the test with `what` when the limit is over."""
    limit *= PATIENCE
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


class Namespace:
    """A network namespace, held by a sleeping process."""

    seconds = 3600  # that it lasts, if nobody closes it

    def __init__(self):
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--kill-child", "sh", "-c", f"echo ready; exec sleep {self.seconds}"],
            stdout=subprocess.PIPE, preexec_fn=_die_with_parent)
        self._holder.stdout.readline()
        self.pid = self._holder.pid
        self.run("ip", "link", "set", "lo", "up")

    def _enter(self):
        _die_with_parent()
        fd = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        if _libc.setns(fd, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def run(self, *command, check=True, timeout=60, **options):
        """Runs a command in the namespace to its end; its output is text."""
        done = subprocess.run(command, check=False, timeout=timeout * PATIENCE, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=self._enter, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
        return done

    def start(self, *command, **options):
        return subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, "preexec_fn": self._enter, **options})

    def call(self, function):
        """Calls a function in the namespace, in a process of its own; its result must be JSON."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._enter()
                os.write(writer, json.dumps(function()).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        _, status = os.waitpid(pid, 0)
        if status != 0:
            raise AssertionError("the function called in the namespace failed; see above")
        return json.loads(text)

    def close(self):
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()


_POLICY = """
table inet firewall {
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state established,related accept
        tcp dport { 22, 80 } accept
        meta l4proto { icmp, ipv6-icmp } accept
        %s
    }
}
"""

# What may end it, as targets for kernels whose nftables has no queue statement.
_QUEUE_TARGETS = {
    "queue num 0-3": ("--queue-balance", "0:3"),
    "queue num 0-3 bypass": ("--queue-balance", "0:3", "--queue-bypass"),
    "queue num 0-3 fanout": ("--queue-balance", "0:3", "--queue-cpu-fanout"),
}

_LISTEN = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for port in (22, 80):
    listening = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
    selector.register(listening, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        try:
            connection, _ = key.fileobj.accept()
            with connection:
                connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nhi\\n")
        except OSError:
            pass  # a connect scan resets what it has opened
"""

_CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])).close()
"""


class Daemon:
    """A running farewelld in a namespace."""

    def __init__(self, namespace, directory, arguments=(), config=None, wrapper=()):
        self.namespace = namespace
        self.socket = os.path.join(directory, "control.sock")
        self._log_path = os.path.join(directory, "farewelld.log")
        self._log = open(self._log_path, "w", encoding="utf-8")
        command = [*wrapper, FAREWELLD]
        if config is not None:
            command += ["--config", config]
        command += ["--set", f"control.socket={self.socket}", "--set", f"state.directory={directory}/state", *arguments]
        # Changing the user makes a process undumpable, which LeakSanitizer cannot work with.
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        self.process = namespace.start(*command, stdout=self._log, stderr=self._log, env=environment)
        # It changes its user, and the kernel then forgets with whom it should die: somebody else sees to that.
        reader, self._life = os.pipe()
        self._guard = subprocess.Popen(["sh", "-c", 'read -r _; [ "$(cat "/proc/$0/comm")" != farewelld ] || kill -9 "$0"',
                                        str(self.process.pid)], stdin=reader, stderr=subprocess.DEVNULL)
        os.close(reader)

    def log(self):
        with open(self._log_path, encoding="utf-8") as file:
            return file.read()

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"farewelld ended with {self.process.returncode}:\n{self.log()}")
            return self.cli("status", check=False).returncode in (0, 5)
        wait_until(ready, "farewelld answers at its socket", 30)
        return self

    def wait_log(self, text, limit=20.0):
        wait_until(lambda: text in self.log(), f"`{text}` in the log:\n{self.log()}", limit)

    def wait_exit(self, limit=20.0):
        status = self.process.wait(timeout=limit * PATIENCE)
        self._log.flush()
        return status

    def cli(self, *arguments, check=True):
        return self.namespace.run(FAREWELL, "--socket", self.socket, *arguments, check=check,
                                  env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))

    def json(self, *arguments):
        return json.loads(self.cli("--json", *arguments, check=False).stdout)

    def status(self):
        return self.json("status")

    def explain(self, address):
        return self.json("explain", address)

    def stop(self, with_signal=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.wait_exit()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._guard.kill()
        self._guard.wait()
        os.close(self._life)
        self._log.close()


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces and queues")
class WorldTest(unittest.TestCase):
    """setUp makes the world with services on 22 and 80 and the article's policy: what is closed goes to the queues."""

    closed = "queue num 0-3"
    is_policy_of_iptables = False  # also where nftables could do it
    # "plain" is the article's way, so that tests can count: ten distinct closed ports and nothing else, and every ban is full and
    # of the same length. None is farewelld's own default.
    rule = "plain"

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="farewell-e2e-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        os.chmod(self.directory, 0o755)  # a reload reads the configuration as the user the daemon became
        self.server = self._namespace()
        self.attacker = self._namespace()
        self.client = self._namespace()
        self._connect(self.attacker, "att", ATTACKER4, ATTACKER6, SERVER4, SERVER6)
        self._connect(self.client, "cli", CLIENT4, CLIENT6, SERVER4_FOR_CLIENT, SERVER6_FOR_CLIENT)
        links = json.loads(self.server.run("ip", "-j", "link", "show", "dev", "att").stdout)
        self.server_mac = links[0]["address"]
        listening = self.server.start("python3", "-c", _LISTEN, stdout=subprocess.PIPE)
        self.addCleanup(listening.stdout.close)
        self.addCleanup(listening.wait)
        self.addCleanup(listening.kill)
        listening.stdout.readline()
        self.load_policy()

    def _namespace(self):
        namespace = Namespace()
        self.addCleanup(namespace.close)
        return namespace

    def _connect(self, other, name, own4, own6, server4, server6):
        self.server.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(other.pid))
        for namespace, device, address4, address6 in ((self.server, name, server4, server6),
                                                      (other, "eth0", own4, own6)):
            namespace.run("ip", "addr", "add", f"{address4}/24", "brd", "+", "dev", device)
            namespace.run("ip", "addr", "add", f"{address6}/64", "dev", device, "nodad")
            namespace.run("ip", "link", "set", device, "up")

    def load_policy(self):
        """Services 22 and 80 open, policy drop, everything else as `closed` says, for both families."""
        self.has_native_policy = not self.is_policy_of_iptables and self._load(_POLICY % self.closed)
        if not self.has_native_policy:
            self._load_policy_by_iptables()

    def _load(self, text):
        return self.server.run("sh", "-c", 'echo "$0" | nft -f -', text, check=False).returncode == 0

    def _load_policy_by_iptables(self):
        for tool in ("iptables-nft", "ip6tables-nft"):
            icmp = "icmp" if tool == "iptables-nft" else "ipv6-icmp"
            for rule in (["-P", "INPUT", "DROP"], ["-A", "INPUT", "-i", "lo", "-j", "ACCEPT"],
                         ["-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"],
                         ["-A", "INPUT", "-p", "tcp", "-m", "multiport", "--dports", "22,80", "-j", "ACCEPT"],
                         ["-A", "INPUT", "-p", icmp, "-j", "ACCEPT"],
                         ["-A", "INPUT", "-j", "NFQUEUE", *_QUEUE_TARGETS[self.closed]]):
                self.server.run(tool, "-w", *rule)

    def open_port(self, port):
        """One more service: its connections may begin; what goes on with them is the rule for established ones' to let in."""
        if self.has_native_policy:
            self.server.run("nft", "insert", "rule", "inet", "firewall", "input", "tcp", "dport", str(port),
                            "tcp flags & (fin | syn | rst | ack) == syn accept")
            return
        for tool in ("iptables-nft", "ip6tables-nft"):
            self.server.run(tool, "-w", "-I", "INPUT", "-p", "tcp", "--syn", "--dport", str(port), "-j", "ACCEPT")

    def remove_policy(self):
        """Everything is let in."""
        if self.has_native_policy:
            self.server.run("nft", "delete", "table", "inet", "firewall")
            return
        for tool in ("iptables-nft", "ip6tables-nft"):
            self.server.run(tool, "-w", "-F", "INPUT")
            self.server.run(tool, "-w", "-P", "INPUT", "ACCEPT")

    def start_daemon(self, *settings, ready=True, config=None, wrapper=(), namespace=None, name="daemon"):
        directory = os.path.join(self.directory, name)
        os.makedirs(directory, exist_ok=True)
        arguments = []
        if self.rule:
            arguments = ["--set", f"detect.rule={self.rule}", "--set", "ban.unproven=full", "--set", "ban.repeat_factor=1"]
        for setting in settings:
            arguments += [setting] if setting.startswith("--") else ["--set", setting]
        daemon = Daemon(namespace or self.server, directory, arguments, config, wrapper)
        self.addCleanup(daemon.close)
        return daemon.wait_ready() if ready else daemon

    def write_config(self, text):
        path = os.path.join(self.directory, "farewell.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    # What the kernel holds, asked of nft and not of the daemon.

    def elements(self, name):
        """The elements of a set of ours by their addresses; None if there is no such set."""
        listing = self.server.run("nft", "-j", "list", "set", "inet", TABLE, name, check=False)
        if listing.returncode != 0:
            return None
        addresses = {}
        for entry in json.loads(listing.stdout)["nftables"]:
            for element in entry.get("set", {}).get("elem", []):
                inner = element["elem"]
                addresses[inner["val"]] = inner
        return addresses

    def banned(self, kind=4):
        """Who is banned, fully or softly: 4 and 6 are single addresses, "6_64" and the like the first of each prefix."""
        full = self.elements(f"banned{kind}")
        return None if full is None else (self.elements(f"soft{kind}") or {}) | full

    def wait_banned(self, address, limit=20.0):
        family = 6 if ":" in address else 4
        return wait_until(lambda: (self.banned(family) or {}).get(address), f"{address} in the kernel's set", limit)

    # What can be reached, asked by connecting.

    def can_connect(self, namespace, address, port=80, timeout=1.0):
        return namespace.run("python3", "-c", _CONNECT, address, str(port), str(timeout), check=False).returncode == 0

    def assert_served(self, namespace=None, address=SERVER4_FOR_CLIENT):
        namespace = namespace or self.client
        for port in (22, 80):
            self.assertTrue(self.can_connect(namespace, address, port, 5.0), f"port {port} of {address} is not served")

    def assert_shut_out(self, namespace=None, address=SERVER4):
        self.assertFalse(self.can_connect(namespace or self.attacker, address, 80), f"{address} still answers")

    def assert_no_bans(self):
        kinds = (4, "4_24", "4_16", 6, "6_64", "6_56", "6_48", "6_32")
        self.assertEqual({kind: self.banned(kind) for kind in kinds if self.banned(kind)}, {})
