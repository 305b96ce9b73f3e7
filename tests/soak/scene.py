# SPDX-License-Identifier: GPL-2.0-or-later
"""The world of the soak: the duel's namespaces, a server that farewelld lives on in one of two set-ups, and a worker on either side.

Nothing here judges and nothing here is drawn by lot."""

import functools
import json
import os
import subprocess
import sys

import visitors
from arena import Arena
from defenders import RESTARTING_PORTS, Defender, operators_filter
from world import ATTACKER4, ATTACKER6

_WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")

CLIENTS4 = visitors.CROWD[:40]
CLIENTS6 = tuple(f"2001:db8:0:2::1:{number:x}" for number in range(10))
ALLOWED = ("198.18.0.99", "2001:db8:0:1::99")
KNOCKER = "198.18.0.200"
# Those with a stack of their own; what is sent packet by packet may come from anywhere behind the attacker.
CONNECTING4 = tuple(f"198.18.64.{number}" for number in range(1, 65))
CONNECTING6 = tuple(f"2001:db8:{0x100 + number:x}::1" for number in range(32))
BEHIND4 = "198.18.64.0/18"
RAW4, RAW6 = "198.18.128.0/17", "2001:db8:1000::/36"

SETUPS = ("queue rule", "trap")
_IPTABLES = ("iptables-nft", "ip6tables-nft")

_WITNESS = f"""
table inet witness {{
  counter answers {{ }}
  chain arriving {{
    type filter hook prerouting priority -600; policy accept;
    ip daddr {KNOCKER} udp sport 53 counter name answers drop
  }}
}}
"""


class Worker:
    """A worker.py in a namespace. What it answers can be read without waiting."""

    def __init__(self, namespace):
        self._process = namespace.start(sys.executable, _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._process.stdout.readline()
        os.set_blocking(self._process.stdout.fileno(), False)
        self._rest = b""

    def do(self, number, name, **arguments):
        self._process.stdin.write((json.dumps({"number": number, "do": name, **arguments}) + "\n").encode())
        self._process.stdin.flush()

    def answers(self):
        try:
            self._rest += os.read(self._process.stdout.fileno(), 1 << 20)
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class Scene(Arena):
    def __init__(self, setup):
        super().__init__(Defender("soak", "farewelld, which is started later"))
        self.setup = setup
        self.daemon = None
        self.values = {}
        self._saved = {}  # the operator's rules, as iptables-restore takes them

    def setUp(self):
        super().setUp()
        self._addresses(self.attacker, "eth0", f"{KNOCKER}/24", *(f"{address}/32" for address in CONNECTING4),
                        *(f"{address}/128" for address in CONNECTING6))
        self._addresses(self.client, "eth0", *(f"{address}/64" for address in CLIENTS6))
        for network in (BEHIND4, RAW4):
            self.server.run("ip", "route", "add", network, "via", ATTACKER4)
        for network in ("2001:db8:100::/40", RAW6):
            self.server.run("ip", "route", "add", network, "via", ATTACKER6)
        self._load(self.attacker, _WITNESS)
        self.attackers_worker, self.clients_worker = Worker(self.attacker), Worker(self.client)
        self.addCleanup(self.attackers_worker.close)
        self.addCleanup(self.clients_worker.close)

    @functools.cached_property
    def has_native_queue(self):
        return self.has_queue(self.server)

    def own_addresses(self):
        links = json.loads(self.server.run("ip", "-j", "addr", "show").stdout)
        return [entry["local"] for link in links for entry in link["addr_info"]]

    # The operator's firewall, which knows nothing of farewell but the queue rule in one of the set-ups.

    def load_policy(self):
        if self.setup != "queue rule" or self.has_native_queue:
            rule = "queue num 0-3" if self.setup == "queue rule" else ""
            self.nft("table inet operator", "delete table inet operator", operators_filter(rule))
        elif not self._saved:
            self._filter_of_iptables()
            self._saved = {tool: self.server.run(f"{tool}-save").stdout for tool in _IPTABLES}
        else:
            for tool, rules in self._saved.items():
                self.server.run("sh", "-c", f'echo "$0" | {tool}-restore', rules)

    def unload_policy(self):
        if self.setup == "queue rule" and not self.has_native_queue:
            for tool in _IPTABLES:
                self.server.run(tool, "-w", "-F", "INPUT")
                self.server.run(tool, "-w", "-P", "INPUT", "ACCEPT")
        else:
            self.nft("table inet operator", "delete table inet operator")

    def move_to(self, setup):
        """The other set-up's firewall instead; farewelld, which must not run now, is configured for it at its next start."""
        self.unload_policy()
        self.setup = setup
        self.load_policy()

    # farewelld: one state directory and one control socket for all its lives.

    def configure(self, **values):
        """Values that stay until others replace them; they are written and not read yet."""
        self.values |= values
        is_trap = self.setup == "trap"
        logged = is_trap and not self.has_native_queue
        allowed = ", ".join(f'"{address}"' for address in self.values["allowed"])
        return self.write_config(f"""
[capture]
source = "{"nflog" if logged else "nfqueue"}"
[trap]
enabled = {str(is_trap).lower()}
[detect]
threshold = {self.values["threshold"]}
burst = {self.values["burst"]}
memory = "4MiB"
[ban]
soft_duration = "{self.values["soft_duration"]}s"
duration = "{self.values["duration"]}s"
on_start = "keep"
on_stop = "{self.values["on_stop"]}"
[allow]
networks = [{allowed}]
[history]
size = "1MiB"
""")

    def start(self):
        """Begins to start; `is_ready` says when that is done."""
        path = os.path.join(self.directory, "resolv.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"nameserver {visitors.RESOLVER}\n")
        wrapper = ("unshare", "--mount", "--propagation", "private", "sh", "-c", f'mount --bind {path} /etc/resolv.conf && exec "$@"', "sh")
        self.daemon = self.start_daemon(config=self.configure(), ready=False, wrapper=wrapper)

    def is_ready(self):
        return os.path.exists(self.daemon.socket) and self.daemon.cli("status", check=False).returncode in (0, 5)

    def is_gone(self):
        return self.daemon.process.poll() is not None

    def state_bytes(self):
        total = 0
        for directory, _, names in os.walk(os.path.join(os.path.dirname(self.daemon.socket), "state")):
            for name in names:
                try:
                    total += os.stat(os.path.join(directory, name)).st_size
                except FileNotFoundError:
                    pass  # SQLite has just emptied its log
        return total

    # What others do.

    def restart_services(self, are_back):
        """The services on RESTARTING_PORTS go, or are back."""
        if are_back:
            self.restarting = self._service(self.server, "serve", *RESTARTING_PORTS)
        else:
            self.restarting.kill()
            self.restarting.wait()

    def knocks_answered(self):
        listing = json.loads(self.attacker.run("nft", "-j", "list", "counter", "inet", "witness", "answers").stdout)
        return next(entry["counter"]["packets"] for entry in listing["nftables"] if "counter" in entry)

    def tables(self):
        return self.server.run("nft", "list", "tables").stdout.split("\n")
